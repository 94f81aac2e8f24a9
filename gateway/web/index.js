"use strict";
// The newest tasks, read again every two seconds while the page is visible.
const rows = document.getElementById("tasks");
const state = document.getElementById("state");
const detail = document.getElementById("detail");
const filter = document.getElementById("status");

const keyForm = document.getElementById("key-form");
const key = document.getElementById("key");

// Where the gateway has API keys, one is asked for, and kept as long as the tab is open.
async function getJson(url) {
  const saved = sessionStorage.getItem("key");
  const response = await fetch(url, saved ? { headers: { Authorization: "Bearer " + saved } } : {});
  keyForm.hidden = response.status !== 401;
  const body = await response.json();
  if (!response.ok) throw new Error(body.message || response.statusText);
  return body;
}

async function showTask(id) {
  try {
    detail.textContent = JSON.stringify(await getJson("/v1/tasks/" + encodeURIComponent(id)), null, 2);
  } catch (error) {
    detail.textContent = error.message;
  }
  detail.hidden = false;
}

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function addTask(task) {
  const row = document.createElement("tr");
  const button = document.createElement("button");
  button.textContent = task.task_id;
  button.addEventListener("click", () => showTask(task.task_id));
  row.insertCell().append(button);
  cell(row, task.task_type);
  cell(row, task.status, "status-" + task.status);
  cell(row, String(task.attempt));
  cell(row, task.created_at ? new Date(task.created_at).toLocaleString() : "");
  cell(row, task.error_reason);
  return row;
}

async function refresh() {
  if (document.hidden) return;
  const query = new URLSearchParams({ page_size: "50", omit_large_fields: "true" });
  if (filter.value) query.set("status", filter.value);
  try {
    const page = await getJson("/v1/tasks?" + query);
    rows.replaceChildren(...page.tasks.map(addTask));
    state.textContent = page.tasks.length ? "" : "no tasks";
  } catch (error) {
    state.textContent = error.message;
  }
}

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", key.value.trim());
  key.value = "";
  refresh();
});
filter.addEventListener("change", refresh);
setInterval(refresh, 2000);
refresh();
