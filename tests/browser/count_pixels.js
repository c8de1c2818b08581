// How many pixels of a picture (a PNG in base64) are of a colour, or near it.
async ([shot, colour]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${shot}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  const pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const { data } = pen.getImageData(0, 0, image.width, image.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (colour.every((part, k) => Math.abs(part - data[i + k]) < 28)) count += 1;
  }
  return count;
}
