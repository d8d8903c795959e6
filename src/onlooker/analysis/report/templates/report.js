"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const video = document.getElementById("video");
  const canvas = document.getElementById("overlay");
  const now = document.getElementById("now");
  const colors = new Map(data.tracks.map(track => [track.id, track.color]));
  let chosen = null;

  for (const chip of document.querySelectorAll("i[data-chip]"))
    chip.style.setProperty("--chip", colors.get(Number(chip.dataset.chip)) || "var(--line)");

  // the box of a track at a time, interpolated between its neighbours; null where the person is away
  function boxAt(track, time) {
    const times = track.times;
    let low = 0, high = times.length - 1;
    if (high < 0 || time < times[0] - 0.1 || time > times[high] + 0.1) return null;
    while (high - low > 1) { const middle = (low + high) >> 1; if (times[middle] <= time) low = middle; else high = middle; }
    const span = times[high] - times[low];
    if (span > 1.5) return Math.abs(time - times[low]) < 0.2 ? track.boxes[low] : null;
    const part = span > 0 ? Math.min(1, Math.max(0, (time - times[low]) / span)) : 0;
    return track.boxes[low].map((value, i) => value + part * (track.boxes[high][i] - value));
  }

  function draw() {
    const time = video.currentTime, context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const present = [];
    for (const track of data.tracks) {
      const box = boxAt(track, time);
      if (!box) continue;
      present.push(track);
      if (track.id !== chosen) continue;
      const [x1, y1, x2, y2] = box;
      context.fillStyle = "rgba(0, 0, 0, .45)";
      context.beginPath();
      context.rect(0, 0, canvas.width, canvas.height);
      context.rect(x1, y1, x2 - x1, y2 - y1);
      context.fill("evenodd");
      context.lineWidth = Math.max(3, canvas.height / 150);
      context.strokeStyle = track.color;
      context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }
    now.replaceChildren(document.createTextNode(present.length ? "In the picture: " : "Nobody in the picture"));
    for (const track of present.slice(0, 30)) {
      const chip = document.createElement("i");
      chip.textContent = track.id;
      chip.style.setProperty("--chip", track.color);
      now.append(chip, " ");
    }
    const length = Number.isFinite(video.duration) ? video.duration : 0;
    for (const cursor of document.querySelectorAll(".cursor"))
      cursor.style.left = length ? `${100 * time / length}%` : "0";
  }

  function choose(person) {
    chosen = chosen === person ? null : person;
    for (const row of document.querySelectorAll(".timeline li"))
      row.classList.toggle("chosen", Number(row.dataset.person) === chosen);
    for (const line of document.querySelectorAll(".paths polyline"))
      line.classList.toggle("dim", chosen !== null && Number(line.dataset.person) !== chosen);
  }

  function seek(time) {
    if (!video) return;
    video.currentTime = Math.max(0, time) + 0.001;
    draw();
  }

  document.addEventListener("click", event => {
    const button = event.target.closest("[data-seek], [data-person]");
    if (button && button.matches("button")) {
      if (button.dataset.person !== undefined) choose(Number(button.dataset.person));
      if (button.dataset.seek !== undefined) seek(Number(button.dataset.seek));
      return;
    }
    const plot = event.target.closest(".seekable");
    if (plot && video && Number.isFinite(video.duration)) {
      const area = plot.getBoundingClientRect();
      seek(video.duration * (event.clientX - area.left) / area.width);
    }
  });

  if (!video) return;
  const tick = () => { draw(); if (!video.paused) requestAnimationFrame(tick); };
  video.addEventListener("play", tick);
  for (const name of ["seeked", "loadeddata", "pause", "timeupdate"]) video.addEventListener(name, draw);
  video.addEventListener("error", () => { document.getElementById("missing").hidden = false; });
})();
