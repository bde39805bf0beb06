"""The page of look_inside.py: one HTML file with its pictures in it, in English and Chinese."""

from __future__ import annotations

import base64
import html
import io
from string import Template
from typing import Any

from look_inside_chinese import chinese, in_chinese

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  body { max-width: 860px; margin: 0 auto; padding: 20px 24px 80px; color: #1a1a1a;
         font: 17px/1.6 "Helvetica Neue", "Noto Sans", "Noto Sans CJK SC", "PingFang SC",
               "Microsoft YaHei", Arial, sans-serif; }
  h1 { font-size: 28px; line-height: 1.3; margin: 18px 0 6px; }
  h2 { font-size: 21px; line-height: 1.35; margin: 44px 0 8px; padding-top: 10px;
       border-top: 2px solid #0072b2; }
  p { margin: 10px 0; }
  img { display: block; width: 100%; max-width: 800px; margin: 14px 0; }
  img.small { width: 168px; border: 1px solid #d9d9d9; image-rendering: pixelated; }
  pre { overflow-x: auto; padding: 10px 14px; margin: 12px 0; background: #f5f6f7;
        border-left: 4px solid #d9d9d9; color: #1a1a1a;
        font: 13px/1.45 "DejaVu Sans Mono", Menlo, Consolas, monospace; }
  code { font: 0.88em "DejaVu Sans Mono", Menlo, Consolas, monospace; background: #f5f6f7;
         padding: 1px 4px; }
  table { border-collapse: collapse; margin: 12px 0; }
  th, td { padding: 4px 14px 4px 0; text-align: left; border-bottom: 1px solid #d9d9d9; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  .switch { position: fixed; top: 0; right: 0; padding: 8px 16px; background: #fff;
            border: 1px solid #d9d9d9; border-top: 0; font-size: 15px; }
  .switch label { cursor: pointer; padding: 2px 8px; }
  #en, #zh { position: absolute; opacity: 0; }
  #en:checked ~ main [lang=zh], #zh:checked ~ main [lang=en] { display: none; }
  #en:checked ~ .switch label[for=en], #zh:checked ~ .switch label[for=zh] {
    font-weight: bold; border-bottom: 2px solid #0072b2; }
  @media (max-width: 700px) { /* moved, not made small: texts stay legible */
    .figure { overflow-x: auto; } .figure img:not(.small) { width: 840px; max-width: none; } }
  @media print { .switch { display: none; } img, pre { break-inside: avoid; } }
</style>
</head>
<body>
<input type="radio" name="language" id="en"$english>
<input type="radio" name="language" id="zh"$chinese>
<div class="switch"><label for="en">English</label><label for="zh">中文</label></div>
<main>
$body
</main>
</body>
</html>
""")


class Page:
    """A report that grows section by section; every text is given in both languages.

    Texts are plain: they are escaped here. A piece between backquotes becomes code.
    """

    def __init__(self, title_en: str, title_zh: str) -> None:
        self.title = f"{title_en} · {title_zh}"
        self.parts = [_both("h1", title_en, title_zh)]

    def section(self, en: str, zh: str) -> None:
        """Begin a section."""
        self.parts.append(_both("h2", en, zh))

    def text(self, en: str, zh: str) -> None:
        """Add a paragraph."""
        self.parts.append(_both("p", en, zh))

    def formula(self, text: Any, unwrapped: Any = None) -> None:
        """Add lines as they are, such as a printed window; `unwrapped` if those are broken."""
        zh = chinese(str(text if unwrapped is None else unwrapped))
        self.parts.append(f'<pre lang="en">{html.escape(str(text))}</pre>')
        self.parts.append(f'<pre lang="zh">{html.escape(zh)}</pre>')

    def figure(self, figure: Any, en: str, zh: str) -> None:
        """Add a matplotlib Figure; the texts say what is seen to those who cannot see it."""
        pictures = [_png(figure)]
        if in_chinese(figure):
            pictures.append(_png(figure))
        self._images(pictures, "png", en, zh)

    def animation(self, gifs: list[bytes], en: str, zh: str) -> None:
        """Add a GIF: in English, and in Chinese if there is a font."""
        self._images(gifs, "gif", en, zh)

    def _images(self, pictures: list[bytes], kind: str, en: str, zh: str) -> None:
        if len(pictures) > 1:
            self._image(pictures[0], kind, en, ' lang="en"')
            self._image(pictures[1], kind, zh, ' lang="zh"')
        else:  # no font here has Chinese letters
            self._image(pictures[0], kind, f"{en} · {zh}")

    def _image(self, data: bytes, kind: str, alt: str, language: str = "") -> None:
        source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        image = f'<img src="{source}" alt="{html.escape(alt, quote=True)}">'
        self.parts.append(f'<div class="figure"{language}>{image}</div>')

    def table(self, heads: list[tuple[str, str]], rows: list[list[Any]]) -> None:
        """Add a table; heads are given in both languages, floats get three decimals."""
        head = "".join(f"<th>{_both('span', en, zh)}</th>" for en, zh in heads)
        lines = []
        for row in rows:
            cells = "".join(
                f'<td class="number">{cell:.3f}</td>'
                if isinstance(cell, float)
                else f"<td>{marked(str(cell))}</td>"
                for cell in row
            )
            lines.append(f"<tr>{cells}</tr>")
        self.parts.append(f"<table><tr>{head}</tr>{''.join(lines)}</table>")

    def html(self, language: str = "en") -> str:
        """Return the whole file; `language` is the one shown first."""
        return PAGE.substitute(
            title=html.escape(self.title),
            body="\n".join(self.parts),
            english=" checked" if language == "en" else "",
            chinese=" checked" if language == "zh" else "",
        )


def _png(figure: Any) -> bytes:
    with io.BytesIO() as file:
        figure.savefig(file, format="png")
        return file.getvalue()


def _both(tag: str, en: str, zh: str) -> str:
    return (
        f'<{tag} lang="en">{marked(en)}</{tag}><{tag} lang="zh">{marked(zh)}</{tag}>'
        if tag != "span"
        else f'<span lang="en">{marked(en)}</span><span lang="zh">{marked(zh)}</span>'
    )


def marked(text: str) -> str:
    """Escape a text, and set what stands between backquotes as code.

    >>> marked("`a<b>` & c")
    '<code>a&lt;b&gt;</code> &amp; c'
    """
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
