"""Notebooks run in a kernel of this Python, and what they then show."""

import base64
import io
import os
import re
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent


def executed(cells, folder, **environment):
    """Return the notebook of these sources of cells after it was run in a folder.

    Args:
        cells: texts, or a whole notebook.
        folder: where it runs.
        environment: variables of the kernel, beside those of this process.
    """
    notebook = cells
    if isinstance(cells, list):
        made = [nbformat.v4.new_code_cell(source) for source in cells]
        notebook = nbformat.v4.new_notebook(cells=made)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment}
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=variables)
    return notebook


def png(cell):
    """Return the picture a cell shows, as an array of pixels (rows, columns, 3)."""
    return pixels(base64.b64decode(shown(cell)["image/png"]))


def embedded(cell):
    """Return the pictures in the HTML a cell shows."""
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', shown(cell)["text/html"])
    return [pixels(base64.b64decode(source)) for source in sources]


def pixels(data):
    """Return a PNG file's bytes as an array (rows, columns, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def shown(cell):
    """Return what a cell shows: MIME type → content; of several outputs of a type the last."""
    data = {}
    for output in cell.outputs:
        data |= output.get("data", {})
    return data


def printed(cell, name="stdout"):
    """Return the text a cell printed."""
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == name)
