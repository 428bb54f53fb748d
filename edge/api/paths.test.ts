import assert from "node:assert/strict";
import { placeFinder } from "./paths.ts";

const find = placeFinder([
  { path: "/runs/{id}", method: "put" },
  { path: "/runs/{id}", method: "get" },
  { path: "/runs/mentors", method: "get" },
  { path: "/a.json", method: "get" },
]);

Deno.test("a path that is spelled out goes before one with a parameter", () => {
  assert.equal(find("/runs/mentors")?.path, "/runs/mentors");
  assert.equal(find("/runs/mentors2")?.path, "/runs/{id}");
});

Deno.test("all methods of a path are listed, with those that every path has", () => {
  assert.deepEqual(find("/runs/7")?.methods, ["PUT", "GET", "HEAD", "OPTIONS"]);
});

Deno.test("a parameter is one segment, and a dot is a dot", () => {
  for (const path of ["/runs", "/runs/", "/runs/7/8", "/runs//", "/axjson", "/A.json", ""]) {
    assert.equal(find(path), undefined, path);
  }
});
