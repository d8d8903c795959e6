"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const video = $("video"), canvas = $("overlay"), watch = document.querySelector(".watch");
  const frames = frameTimes(data.clock);
  const tracks = data.tracks.map(unpack);
  const byId = new Map(tracks.map(track => [track.id, track]));
  let chosen = null;   // the id of the person in the spotlight
  let frame = 0;       // the number of the frame on screen, counted from the first of the run
  let listed = "";     // the ids that the line under the video shows

  function frameTimes(clock) {
    if (!clock.steps) return Float64Array.from({ length: clock.count }, (_, k) => k * clock.step);
    const times = new Float64Array(clock.steps.length + 1);
    clock.steps.forEach((step, k) => { times[k + 1] = times[k] + step / 1000; });
    return times;
  }

  // differences to absolute values: each part gets the frame numbers and the boxes of a stretch
  function unpack(track) {
    const parts = track.parts.map(flat => {
      const count = flat.length / 5, at = new Int32Array(count), boxes = new Float32Array(4 * count);
      for (let k = 0; k < count; k++) {
        at[k] = flat[5 * k] + (k ? at[k - 1] : 0);
        for (let i = 0; i < 4; i++) boxes[4 * k + i] = flat[5 * k + 1 + i] + (k ? boxes[4 * k - 4 + i] : 0);
      }
      return { at, boxes };
    });
    return { id: track.id, color: track.color, ink: track.ink, parts };
  }

  // the last index whose value is not above the wanted one, -1 before the first
  function last(sorted, wanted) {
    let low = -1, high = sorted.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (sorted[middle] <= wanted) low = middle; else high = middle - 1; }
    return low;
  }

  const frameAt = time => Math.max(0, last(frames, time + 0.002));

  // the box of a person on a frame, in pixels of the video, interpolated where the page holds fewer boxes than frames
  function boxOn(track, number) {
    for (const { at, boxes } of track.parts) {
      if (number < at[0]) return null;
      if (number > at[at.length - 1]) continue;
      const k = last(at, number), next = Math.min(k + 1, at.length - 1);
      const part = next > k ? (number - at[k]) / (at[next] - at[k]) : 0;
      return [0, 1, 2, 3].map(i => boxes[4 * k + i] + part * (boxes[4 * next + i] - boxes[4 * k + i]));
    }
    return null;
  }

  function draw() {
    const present = [];
    for (const track of tracks) { const box = boxOn(track, frame); if (box) present.push({ track, box }); }
    if (canvas) paint(present);
    list(present);
    const time = frames[frame] || 0, part = `${Math.min(100, 100 * time / (data.length || 1))}%`;
    for (const cursor of document.querySelectorAll(".cursor")) cursor.style.left = part;
    if (!video) return;
    $("time").textContent = `${clock(time)} / ${clock(data.length)}`;
    $("scrub").value = time;
    $("scrub").setAttribute("aria-valuetext", clock(time));
  }

  function paint(present) {
    const area = canvas.getBoundingClientRect(), density = window.devicePixelRatio || 1;
    const width = Math.round(area.width * density), height = Math.round(area.height * density);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    const context = canvas.getContext("2d"), across = width / data.size[0], down = height / data.size[1];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    for (const { track, box } of present) {
      const spot = track.id === chosen;
      if (!spot && (data.burnt || chosen !== null)) continue;
      const [x, y, w, h] = [box[0] * across, box[1] * down, (box[2] - box[0]) * across, (box[3] - box[1]) * down];
      if (spot) {
        context.fillStyle = "rgba(0, 0, 0, .55)";
        context.beginPath();
        context.rect(0, 0, width, height);
        context.rect(x, y, w, h);
        context.fill("evenodd");
      }
      context.lineWidth = (spot ? 4 : 2) * density;
      context.strokeStyle = track.color;
      context.strokeRect(x, y, w, h);
      if (data.burnt) continue;
      context.font = `${13 * density}px sans-serif`;
      const label = String(track.id), wide = context.measureText(label).width + 8 * density, top = Math.max(0, y - 18 * density);
      context.fillStyle = track.color;
      context.fillRect(x, top, wide, 18 * density);
      context.fillStyle = track.ink;
      context.fillText(label, x + 4 * density, top + 14 * density);
    }
  }

  function list(present) {
    const key = present.map(({ track }) => track.id).join() + "/" + chosen;
    if (key === listed) return;
    listed = key;
    const chips = present.slice(0, 40).map(({ track }) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.textContent = track.id;
      chip.dataset.person = track.id;
      chip.setAttribute("aria-label", `Person ${track.id}`);
      chip.style.cssText = `--color:${track.color};--chip-ink:${track.ink}`;
      chip.classList.toggle("chosen", track.id === chosen);
      return chip;
    });
    const text = present.length ? `${present.length} in the picture:` : "Nobody found at this moment";
    $("now").replaceChildren(document.createTextNode(text), ...chips);
  }

  function clock(seconds) {
    const whole = Math.floor(seconds + 1e-6), hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    const rest = String(whole % 60).padStart(2, "0");
    return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  }

  function choose(person) {
    chosen = person;
    for (const row of document.querySelectorAll(".timeline li")) {
      const mine = Number(row.dataset.person) === chosen;
      row.classList.toggle("chosen", mine);
      row.querySelector(".portrait").setAttribute("aria-pressed", mine);
    }
    for (const chip of document.querySelectorAll(".chips button"))
      chip.classList.toggle("chosen", Number(chip.dataset.person) === chosen);
    for (const line of document.querySelectorAll(".paths g"))
      line.classList.toggle("dim", chosen !== null && Number(line.dataset.person) !== chosen);
    filter();
    draw();
  }

  // show a frame; the middle of its time is sought, so that rounding can't land on a neighbour
  function show(number) {
    frame = Math.min(Math.max(number, 0), Math.max(frames.length - 1, 0));
    if (video) {
      const until = frame + 1 < frames.length ? frames[frame + 1] : data.length;
      video.currentTime = data.offset + (frames[frame] + Math.max(until, frames[frame])) / 2;
    }
    draw();
  }

  const seek = time => show(frameAt(time));

  function step(frameCount) {
    if (video) video.pause();
    show(frame + frameCount);
  }

  function toggle() {
    if (!video) return;
    if (!video.paused) { video.pause(); return; }
    if (video.ended || frame >= frames.length - 1) show(0);
    video.play().catch(() => {});
  }

  // ---- events: by kind, and by person while one is in the spotlight
  const kinds = [...document.querySelectorAll(".filters [data-kind]")], only = $("only");
  function filter() {
    if (!only) return;
    const wanted = new Set(kinds.filter(b => b.getAttribute("aria-pressed") === "true").map(b => b.dataset.kind));
    let count = 0;
    for (const row of document.querySelectorAll(".eventlist li")) {
      const mine = chosen === null || row.dataset.who.split(" ").includes(String(chosen));
      row.hidden = !(mine && wanted.has(row.dataset.kind));
      count += !row.hidden;
    }
    only.hidden = chosen === null;
    only.textContent = `person ${chosen} only ×`;
    $("nothing").hidden = count > 0;
  }
  for (const button of kinds)
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      filter();
    });
  if (only) only.addEventListener("click", () => choose(null));

  // ---- pointer
  const timeIn = (element, event) => {
    const area = element.getBoundingClientRect();
    return data.length * Math.min(1, Math.max(0, (event.clientX - area.left) / area.width));
  };

  document.addEventListener("click", event => {
    const target = event.target.closest("button[data-seek], button[data-person], .paths g");
    if (target) {
      // after a mouse click the space key shall play, not press the same button again
      if (event.detail > 0 && target.blur) target.blur();
      const time = target.dataset.seek, person = target.dataset.person === undefined ? null : Number(target.dataset.person);
      if (person !== null) {
        const again = person === chosen && time === undefined;
        choose(again ? null : person);
        const track = byId.get(person);
        if (!again && time === undefined && track && !boxOn(track, frame)) show(track.parts[0].at[0]);
      }
      if (time !== undefined) seek(Number(time));
      return;
    }
    const plot = event.target.closest(".seekable, .bar");
    if (plot) seek(timeIn(plot, event));
  });

  const tip = $("tip");
  document.addEventListener("pointermove", event => {
    const marked = event.target.closest && event.target.closest("[data-tip]");
    const plot = !marked && event.target.closest && event.target.closest(".seekable");
    tip.hidden = !(marked || plot) || event.pointerType === "touch";
    if (tip.hidden) return;
    if (marked) tip.textContent = marked.dataset.tip;
    else {
      const time = timeIn(plot, event), number = frameAt(time), count = tracks.filter(track => boxOn(track, number)).length;
      tip.textContent = plot.querySelector(".sound") ? clock(time) : `${clock(time)}: ${count} ${count === 1 ? "person" : "people"}`;
    }
    tip.style.left = `${Math.min(event.clientX + 12, window.innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${event.clientY > window.innerHeight - 60 ? event.clientY - 36 : event.clientY + 16}px`;
  });

  // ---- keys
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const control = event.target.closest("button, select, a, input");
    if (event.key === "Escape") choose(null);
    else if (event.key === " " && (!control || control.matches("input"))) { event.preventDefault(); toggle(); }
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !(control && control.matches("select"))) {
      event.preventDefault();
      const way = event.key === "ArrowLeft" ? -1 : 1;
      if (event.shiftKey) seek((frames[frame] || 0) + 5 * way); else step(way);
    }
  });

  filter();
  draw();
  if (!video) return;

  // ---- the player
  canvas.addEventListener("click", event => {
    const area = canvas.getBoundingClientRect();
    const x = data.size[0] * (event.clientX - area.left) / area.width, y = data.size[1] * (event.clientY - area.top) / area.height;
    const hit = tracks.map(track => ({ track, box: boxOn(track, frame) }))
      .filter(({ box }) => box && x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3])
      .sort((a, b) => (a.box[2] - a.box[0]) * (a.box[3] - a.box[1]) - (b.box[2] - b.box[0]) * (b.box[3] - b.box[1]))[0];
    if (hit) choose(hit.track.id === chosen ? null : hit.track.id);
    else if (chosen !== null) choose(null);
    else toggle();
  });
  const press = (id, act) => { const button = $(id); if (button) button.addEventListener("click", event => { if (event.detail > 0) button.blur(); act(button); }); };
  press("play", toggle);
  press("back", () => step(-1));
  press("forth", () => step(1));
  press("full", () => document.fullscreenElement ? document.exitFullscreen() : watch.requestFullscreen && watch.requestFullscreen());
  press("mute", button => {
    video.muted = !video.muted;
    button.classList.toggle("muted", video.muted);
    button.setAttribute("aria-pressed", video.muted);
  });
  $("scrub").addEventListener("input", () => seek(Number($("scrub").value)));
  $("speed").addEventListener("change", () => { video.playbackRate = Number($("speed").value); });

  // which frame is on screen: the browser says so where it can, else it follows from the clock
  const exact = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
  const shown = time => { frame = frameAt(time - data.offset); draw(); };
  if (exact) {
    const onFrame = (_, presented) => { if (!video.seeking) shown(presented.mediaTime); video.requestVideoFrameCallback(onFrame); };
    video.requestVideoFrameCallback(onFrame);
  } else {
    const tick = () => { shown(video.currentTime); if (!video.paused) requestAnimationFrame(tick); };
    video.addEventListener("play", tick);
    video.addEventListener("seeked", tick);
  }
  const playing = () => {
    $("play").classList.toggle("playing", !video.paused);
    $("play").setAttribute("aria-label", video.paused ? "Play" : "Pause");
  };
  for (const name of ["play", "pause", "ended"]) video.addEventListener(name, playing);
  // the part of the original that was not analysed is not played
  video.addEventListener("timeupdate", () => { if (!data.burnt && video.currentTime >= data.offset + data.length) video.pause(); });
  video.addEventListener("loadeddata", () => { if (data.offset) show(0); else draw(); });
  video.addEventListener("error", () => { $("missing").hidden = false; });
  if (video.error) $("missing").hidden = false;
  if ("ResizeObserver" in window) new ResizeObserver(draw).observe(canvas);
})();
