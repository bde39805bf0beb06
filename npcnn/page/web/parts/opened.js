// Pictures from files: opened by the browser, drawn small, read as numbers.

const WORK = 256; // rows and columns that a picture is made smaller to
const MOST_BYTES = 30e6;

/** Return the picture { width, height, pixels } of a file, red, green, blue, 0 to 255, on white. */
export async function openPicture(file, most = WORK) {
  if (file.size > MOST_BYTES) throw new RangeError("a file too large");
  const image = await createImageBitmap(file);
  const scale = Math.min(1, most / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  return read(image, width, height, [0, 0, image.width, image.height]);
}

/** Return the middle square of a file's picture in a size. */
export async function openSquare(file, rows, columns) {
  if (file.size > MOST_BYTES) throw new RangeError("a file too large");
  const image = await createImageBitmap(file);
  const scale = Math.min(image.width / columns, image.height / rows);
  const [width, height] = [columns * scale, rows * scale];
  return read(image, columns, rows,
    [(image.width - width) / 2, (image.height - height) / 2, width, height]);
}

function read(image, width, height, from) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, ...from, 0, 0, width, height);
  image.close();
  return { width, height, pixels: context.getImageData(0, 0, width, height).data };
}

/** Return a picture in grey: { rows, columns, data }. */
export function greyOf({ width, height, pixels }) {
  const data = new Float64Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const [r, g, b] = pixels.subarray(4 * i, 4 * i + 3);
    data[i] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  }
  return { rows: height, columns: width, data };
}
