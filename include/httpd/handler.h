// What a module implements to answer requests under a root path.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <httpd/loop.h>
#include <httpd/method.h>
#include <httpd/reply.h>
#include <httpd/request.h>

namespace httpd {

/// Answers the requests under one root path. Owned by the engine from registration on, and destroyed with it.
class Handler {
 public:
  virtual ~Handler() = default;
  /// The methods it takes; asked once, at registration. GET brings HEAD with it; OPTIONS is always answered
  /// by the engine. Any other method is answered with 405 and Allow (RFC 9110 section 15.5.6) before the
  /// handler is called.
  [[nodiscard]] virtual MethodSet methods() const = 0;
  /// Whether handle() and all that it leads to never wait and take no time worth speaking of; asked once, at
  /// registration. Then it runs in the HTTPD process, also where the parameter `workers` gives handlers
  /// processes of their own, and answers while all of these are busy. What blocks or crashes there does so
  /// for everybody.
  [[nodiscard]] virtual bool never_blocks() const noexcept { return false; }
  /// Called once in every process that runs this handler, before its first request. `loop` outlives the
  /// handler's last call. Throw to refuse the start of that process.
  virtual void init_process(Loop& loop) { static_cast<void>(loop); }
  /// Answers `request` through `reply`. While it runs, the process does nothing else. A thrown exception
  /// becomes a 500 and a log line. `request` stays valid until the reply is sent or destroyed.
  virtual void handle(const Request& request, Reply reply) = 0;
  /// Whether the engine may compress replies for clients that accept it; asked once, when serving begins.
  /// False unless overridden, since length tells: where a reply holds a secret (a token, a password, whatever
  /// one client may see and another may not) and also text that somebody else can choose, such as an argument
  /// of the request, whoever can have such requests sent and sees how long the encrypted replies are finds
  /// the secret out, byte by byte (BREACH, CVE-2013-3587). Say true where no reply holds both. The parameter
  /// `compress` consents for handlers that do not.
  [[nodiscard]] virtual bool may_be_compressed() const noexcept { return false; }
};

}  // namespace httpd
