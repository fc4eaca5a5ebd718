"""The plugin for OpenCode, which has no hook commands: JavaScript in its own process.

It hands each event to acode-hook on stdin, and waits for it, but not long: that takes milliseconds, and
OpenCode leaves without asking when it is done. It never throws: an exception in a plugin ends OpenCode's
turn. `hook_events` of `collector.agents.opencode` defines the payloads.
"""

from __future__ import annotations

import json
import re

from collector.agents.hook_merge import Found
from collector.agents.hooks import PLUGIN_EVENT

_MARK = b"// acode: "
_HOOK = re.compile(rb'^const HOOK = ("(?:[^"\\]|\\.)*")', re.MULTILINE)

_SOURCE = """\
// acode: records what OpenCode does. Written by `acode hooks install opencode`, removed by
// `acode hooks uninstall opencode`; changes are lost.
import { spawn } from "node:child_process"

const HOOK = %s
const PATIENCE_MS = 1000

export const Acode = async ({ directory }) => {
  const post = (payload) =>
    new Promise((resolve) => {
      const body = JSON.stringify({ at: Date.now(), directory, ...payload })
      const child = spawn(HOOK, ["opencode", payload.event], {
        cwd: directory,
        stdio: ["pipe", "ignore", "ignore"],
      })
      child.on("error", resolve)
      child.on("close", resolve)
      child.stdin.on("error", () => {})
      child.stdin.end(body)
      setTimeout(resolve, PATIENCE_MS).unref()
    })
  const guarded = (handler) => async (...given) => {
    try {
      await handler(...given)
    } catch {}
  }
  const ofSession = new Set(["session.created", "session.updated", "session.deleted"])

  return {
    event: guarded(({ event }) => {
      const properties = event.properties ?? {}
      const { info, part } = properties
      if (ofSession.has(event.type)) {
        return post({ event: event.type, sessionID: info?.id, info })
      } else if (event.type === "session.error") {
        return post({ event: event.type, sessionID: properties.sessionID, error: properties.error })
      } else if (event.type === "message.updated") {
        if (info?.role === "assistant" && info.time?.completed) {
          return post({ event: event.type, sessionID: info.sessionID, info })
        }
      } else if (event.type === "message.part.updated") {
        if (part?.type === "tool" && part.state?.status === "error") {
          return post({ event: event.type, sessionID: part.sessionID, part })
        }
      }
    }),
    "chat.message": guarded((input, output) => {
      const { id, agent, model } = output.message ?? {}
      const texts = (output.parts ?? []).filter((part) => part.type === "text" && !part.synthetic)
      return post({
        event: "chat.message",
        sessionID: input.sessionID,
        messageID: id,
        agent,
        model,
        text: texts.map((part) => part.text).join("\\n"),
      })
    }),
    "tool.execute.before": guarded((input, output) => {
      const { sessionID, callID, tool } = input
      return post({ event: "tool.execute.before", sessionID, callID, tool, args: output.args })
    }),
    "tool.execute.after": guarded((input, output) => {
      const { sessionID, callID, tool, args } = input
      const { title, output: text, metadata } = output ?? {}
      const result = { title, output: text, metadata }
      return post({ event: "tool.execute.after", sessionID, callID, tool, args, output: result })
    }),
  }
}
"""


def source(hook: str) -> str:
    """Return the plugin that calls an acode-hook."""
    return _SOURCE % json.dumps(hook)


def find(data: bytes) -> Found:
    """Return which acode-hook a plugin file calls; nothing when the plugin is not acode's."""
    match = _HOOK.search(data) if data.startswith(_MARK) else None
    if match is None:
        return Found()
    try:
        return Found({PLUGIN_EVENT: [str(json.loads(match[1]))]})
    except ValueError:
        return Found()
