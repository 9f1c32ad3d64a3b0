// Talking to the server. A lost connection is an answer too: Away.

export class Away extends Error {}
export class Refused extends Error {}

const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";

// How long nobody has touched the screen (lock.js): a till that asks by itself is nobody at work.
function idle() {
  const last = Number(localStorage.getItem("last-touch"));
  return last ? { "X-Idle-Seconds": String(Math.max(0, Math.floor(Date.now() / 1000) - last)) } : {};
}

// JSON is asked for, so that who has to sign in or unlock first is told so and not sent to a page.
async function fetched(url, { headers, ...options }, seconds) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(seconds * 1000), headers: { Accept: "application/json", ...idle(), ...headers }, ...options });
  } catch (error) {
    throw new Away(String(error));
  }
  if (answer.status >= 502 && answer.status <= 504) throw new Away(String(answer.status));
  return answer;
}

export async function get(url, tag) {
  return fetched(url, { headers: tag ? { "If-None-Match": tag } : {} }, 5);
}

export async function post(url, body, seconds = 12) {
  const isForm = body instanceof FormData;
  const headers = { "X-CSRFToken": token() };
  if (!isForm) headers["Content-Type"] = "application/json";
  const answer = await fetched(url, { method: "POST", headers, body: isForm ? body : JSON.stringify(body) }, seconds);
  const json = (answer.headers.get("Content-Type") || "").includes("json");
  if (json) {
    const said = await answer.json();
    if (answer.ok) return said;
    throw new Refused(said.error || "没有完成，请再试一次。");
  }
  if (answer.status === 423) throw new Refused("屏幕已锁定，这一步没有完成。输口令解锁后再办，单上的内容会留着。");
  if (answer.status === 401 || answer.status === 403) throw new Refused("没有权限，或登录已过期。请重新登录，单上的内容会留着。");
  throw new Refused(`系统出错（${answer.status}），这一步没有完成。请先看最近销售，再决定要不要重试。`);
}
