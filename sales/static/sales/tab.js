// One window of the till at a time: two would write over each other's ticket and settle it by one key.
// The one opened last goes on; the others stand down with their words.

const channel = "BroadcastChannel" in window ? new BroadcastChannel("till") : null;
const me = `${Date.now()}-${Math.random()}`;

export function onlyHere({ standDown, soldElsewhere }) {
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  if (!channel) return;
  channel.onmessage = ({ data }) => {
    if (data.opened && data.opened !== me) standDown();
    if (data.sold) soldElsewhere(data.sold);
  };
  channel.postMessage({ opened: me });
}

export const tellSold = (key) => channel?.postMessage({ sold: key });
