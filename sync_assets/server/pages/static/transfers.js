// Keep the page "Transfers" true: a WebSocket says what changes, resumes where it broke off, and
// what has come into another state is fetched anew from the server.

const LONGEST_PAUSE = 30_000;
const UNAUTHENTICATED = 4401;
const FORBIDDEN = 4403;
const MOVING = new Set(["downloading", "uploading"]);
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

const list = document.getElementById("transfers");
const connection = document.getElementById("connection");
let lastEventId = Number(list.dataset.lastEventId);
let pause = 500;

function sizeText(size) {
  let power = 0;
  while (size >= 1024 && power < UNITS.length - 1) {
    size /= 1024;
    power += 1;
  }
  return `${size.toFixed(power === 0 || size >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

function timeText(seconds) {
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.round(seconds / size)} ${unit}`;
  }
  return `${Math.round(seconds)} s`;
}

function progressText(done, total, speed) {
  if (!total) return sizeText(done);
  if (done >= total) return sizeText(total);
  const parts = [`${Math.floor((100 * done) / total)} %`, `${sizeText(done)} of ${sizeText(total)}`];
  if (speed) parts.push(`${sizeText(speed)}/s`, `${timeText((total - done) / speed)} left`);
  return parts.join(" · ");
}

// Whoever is about to type or choose keeps what is open.
function isInUse(card) {
  return card.querySelector("details[open]") !== null;
}

// What belongs to an older page is not brought to this one by a change.
function isNew(downloadId) {
  const newest = list.querySelector(".transfer")?.id.split("-")[1] ?? 0;
  return list.dataset.takesNew === "true" && downloadId > Number(newest);
}

const wanted = new Set();

async function refresh(downloadId) {
  if (wanted.has(downloadId)) return;
  wanted.add(downloadId);
  // Several changes that come together need one answer.
  await new Promise((resolve) => setTimeout(resolve, 150));
  wanted.delete(downloadId);
  const card = document.getElementById(`download-${downloadId}`);
  if (card ? isInUse(card) : !isNew(downloadId)) return;
  if (card) {
    await htmx.ajax("GET", `/transfers/downloads/${downloadId}`, { target: card, swap: "outerHTML" });
    return;
  }
  list.querySelector(".empty")?.remove();
  await htmx.ajax("GET", `/transfers/downloads/${downloadId}`, { target: list, swap: "afterbegin" });
}

function showProgress(element, done, total, speed) {
  const bar = element.querySelector(":scope > .progress progress");
  if (!bar) return false;
  if (total) {
    bar.max = total;
    bar.value = done;
  }
  element.querySelector(":scope > .progress .number").textContent = progressText(done, total, speed);
  return true;
}

function showTransfer(kind, update, done, downloadId) {
  const element = list.querySelector(`[data-transfer="${kind}-${update.id}"]`);
  if (update.status === "deleted") {
    if (kind === "download") element?.remove();
    else if (element) refresh(Number(element.closest(".transfer").id.split("-")[1]));
    return;
  }
  const isSame = element?.dataset.status === update.status;
  const isShown = isSame && showProgress(element, done, update.total, update.speed);
  // A first value needs its bar; what has ended needs none.
  if (!isSame || (!isShown && MOVING.has(update.status))) refresh(downloadId);
}

function showStatistics(statistics) {
  for (const element of document.querySelectorAll("[data-count]")) {
    const { states } = statistics[element.dataset.count];
    const counts = element.dataset.states.split(" ").map((state) => states[state]);
    element.textContent = counts.reduce((sum, count) => sum + count, 0);
  }
  for (const element of document.querySelectorAll("[data-speed]")) {
    element.textContent = `${sizeText(statistics[element.dataset.speed].speed)}/s`;
  }
}

function show(update) {
  if (update.type === "download") showTransfer("download", update, update.completed, update.id);
  else if (update.type === "upload") showTransfer("upload", update, update.uploaded, update.download_id);
  else if (update.type === "statistics") showStatistics(update);
}

function connect() {
  const address = new URL("/ws", window.location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    socket.send(JSON.stringify({ type: "subscribe", after: lastEventId }));
  });
  socket.addEventListener("message", (message) => {
    const content = JSON.parse(message.data);
    if (content.type === "reset") {
      window.location.reload();
      return;
    }
    pause = 500;
    connection.hidden = true;
    lastEventId = content.last_event_id;
    for (const update of content.updates ?? []) show(update);
  });
  socket.addEventListener("close", (event) => {
    if (event.code === UNAUTHENTICATED) {
      window.location.reload();
      return;
    }
    if (event.code === FORBIDDEN) return;
    connection.hidden = false;
    setTimeout(connect, pause * (1 + Math.random()));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  });
}

connect();
