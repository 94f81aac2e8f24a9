"use strict";
// Lists what /openapi.json describes.
const root = document.getElementById("api");

function add(parent, tag, text, className) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (className) element.className = className;
  parent.append(element);
  return element;
}

function typeName(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  if (schema.items) return "list of " + typeName(schema.items);
  if (schema.additionalProperties) return "map of " + typeName(schema.additionalProperties);
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
  return schema.format ? type + " (" + schema.format + ")" : type;
}

function addTypeLink(parent, schema) {
  const name = typeName(schema);
  const target = name.replace(/^(list|map) of /, "").replace(/ or null$/, "");
  if (/^[A-Z]/.test(target)) {
    add(parent, "a", name).href = "#" + target;
  } else {
    add(parent, "code", name);
  }
}

function addTable(parent, head, items) {
  const table = add(parent, "table");
  const row = table.createTHead().insertRow();
  head.forEach((text) => add(row, "th", text));
  const body = table.createTBody();
  for (const [name, schema, text] of items) {
    const line = body.insertRow();
    add(line.insertCell(), "code", name);
    addTypeLink(line.insertCell(), schema);
    line.insertCell().textContent = text || "";
  }
}

function addOperation(path, method, operation) {
  const box = add(root, "details");
  const summary = add(box, "summary");
  add(summary, "b", method.toUpperCase(), "method");
  add(summary, "code", " " + path + " ");
  add(summary, "span", operation.summary);
  if (operation.parameters.length) {
    addTable(box, ["Parameter", "Type", "Meaning"], operation.parameters.map((p) => [p.name, p.schema, p.description]));
  }
  const json = (part) => part && part.content && part.content["application/json"].schema;
  for (const [label, schema] of [["Body: ", json(operation.requestBody)], ["Answer: ", json(operation.responses["200"])]]) {
    if (schema) addTypeLink(add(box, "p", label), schema);
  }
}

function addSchema(name, schema) {
  const box = add(root, "details");
  box.id = name;
  add(add(box, "summary"), "code", name);
  add(box, "p", schema.description, "text");
  if (schema.properties) {
    addTable(box, ["Field", "Type", "Meaning"], Object.entries(schema.properties).map(([field, s]) => [field, s, s.description]));
  }
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.open = true;
}

async function show() {
  const api = await (await fetch("/openapi.json")).json();
  for (const tag of api.tags) {
    add(root, "h2", tag.name);
    add(root, "p", tag.description, "text");
    for (const [path, item] of Object.entries(api.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (operation.tags.includes(tag.name)) addOperation(path, method, operation);
      }
    }
  }
  add(root, "h2", "Types");
  Object.entries(api.components.schemas).forEach(([name, schema]) => addSchema(name, schema));
  openTarget();
}

window.addEventListener("hashchange", openTarget);
show();
