// Why a request is refused: one value for each reason, with its status code and the parameter that changes
// it. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpd::http {

/// The reasons, with the clause that asks for the refusal. Cause and remedy stand in describe().
enum class Refusal : std::uint8_t {
  kNone,
  kMalformedRequestLine,     ///< RFC 9112 section 3
  kMalformedTarget,          ///< RFC 9112 section 3.2, RFC 3986
  kMalformedField,           ///< RFC 9112 section 5, RFC 9110 section 5.5
  kBareLineEnding,           ///< RFC 9112 section 2.2
  kObsoleteFold,             ///< RFC 9112 section 5.2
  kRepeatedField,            ///< RFC 9110 section 5.3: a field that is no list stands twice
  kMissingHost,              ///< RFC 9112 section 3.2
  kInvalidHost,              ///< RFC 9112 section 3.2
  kInvalidContentLength,     ///< RFC 9112 section 6.3
  kConflictingLengths,       ///< RFC 9112 section 6.3: Content-Length beside Transfer-Encoding
  kInvalidTransferEncoding,  ///< RFC 9112 section 6.1
  kMalformedChunk,           ///< RFC 9112 section 7.1
  kMalformedForm,            ///< URL standard section 5.1, RFC 7578
  kIncompleteMessage,        ///< RFC 9112 section 8
  kTwoForwarded,             ///< RFC 7239 section 8.1: nobody knows which of two fields a proxy wrote
  kMalformedForwarded,       ///< RFC 7239 section 4
  kMalformedProxyHeader,     ///< the PROXY protocol
  kPlainHttp,                ///< RFC 9110 section 15.5.1: the port speaks HTTPS
  kNoCredentials,            ///< RFC 9110 section 15.5.2
  kWrongCredentials,         ///< RFC 9110 section 15.5.2
  kAddressRefused,           ///< RFC 9110 section 15.5.4: this address may not
  kNoCertificate,            ///< RFC 9110 section 15.5.4: a TLS client certificate is missing
  kUserRefused,              ///< RFC 9110 section 15.5.4: the credentials are good, but not for this path
  kForeignOrigin,            ///< RFC 9110 section 15.5.4: from a page of another site
  kNoSuchRoot,               ///< RFC 9110 section 15.5.5
  kMethodNotAllowed,         ///< RFC 9110 section 15.5.6
  kHeaderTimeout,            ///< RFC 9110 section 15.5.9
  kBodyTimeout,              ///< RFC 9110 section 15.5.9
  kBodyTooSlow,              ///< RFC 9110 section 15.5.9
  kBodyTooLarge,             ///< RFC 9110 section 15.5.14
  kFormTooLarge,             ///< RFC 9110 section 15.5.14
  kFormFieldTooLarge,        ///< RFC 9110 section 15.5.14
  kTooManyFormFields,        ///< RFC 9110 section 15.5.14
  kChunkExtensionsTooLarge,  ///< RFC 9112 section 7.1.1
  kTargetTooLong,            ///< RFC 9110 section 15.5.15
  kTooManyQueryFields,       ///< RFC 9110 section 15.5.15
  kFileUpload,               ///< RFC 9110 section 15.5.16: a file in a multipart form
  kUnknownExpectation,       ///< RFC 9110 section 10.1.1
  kMisdirected,              ///< RFC 9110 section 7.4: an https resource over a connection without TLS
  kUnknownHost,              ///< RFC 9110 section 7.4: this server has no such name
  kTooManyRequests,          ///< RFC 6585 section 4: more a second than an address may send
  kTooManyAttempts,          ///< RFC 6585 section 4: wrong credentials, again and again
  kPipelineTooLong,          ///< RFC 6585 section 4: too many at once on one connection
  kHeaderTooLarge,           ///< RFC 6585 section 5
  kTooManyFields,            ///< RFC 6585 section 5
  kTrailerTooLarge,          ///< RFC 6585 section 5
  kTooManyTrailerFields,     ///< RFC 6585 section 5
  kUnknownMethod,            ///< RFC 9110 section 15.6.2
  kUnknownTransferCoding,    ///< RFC 9112 section 6.1
  kHandlerDied,              ///< RFC 9110 section 15.6.3
  kShuttingDown,             ///< RFC 9110 section 15.6.4
  kTooManyConnections,       ///< RFC 9110 section 15.6.4: as many as the server holds are open
  kTooManyOfClient,          ///< RFC 9110 section 15.6.4: as many as one address may have are open
  kQueueFull,                ///< RFC 9110 section 15.6.4: no handler process is free, and too many wait
  kWaitedTooLong,            ///< RFC 9110 section 15.6.4: no handler process became free
  kTooManyChecks,            ///< RFC 9110 section 15.6.4: too many passwords wait for their hash
  kOutOfResources,           ///< RFC 9110 section 15.6.4: no memory or descriptor to hand the request on
  kHandlerTimeout,           ///< RFC 9110 section 15.6.5: the handler is what this server waited for
  kUnsupportedVersion,       ///< RFC 9110 section 15.6.6
};

/// What is told to the client and to the administrator. Static storage.
struct RefusalInfo {
  int status;
  std::string_view reason;     ///< one short sentence without a full stop, fit for the client
  std::string_view parameter;  ///< the httpd parameter that moves the limit; "" where none does
  std::string_view name;       ///< a word for statistics and logs, [a-z0-9_]; NUL-terminated
};
/// How many values Refusal has, kNone among them.
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::kUnsupportedVersion) + 1;

[[nodiscard]] const RefusalInfo& describe(Refusal refusal) noexcept;

}  // namespace httpd::http
