// The table behind describe(): what a refused client and its administrator are told.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/refusal.h"

#include <array>
#include <cstddef>

namespace httpd::http {
namespace {

struct Row {
  Refusal refusal;
  RefusalInfo info;
};

constexpr std::array kRows = {
    Row{Refusal::kNone, {200, "", "", "none"}},
    Row{Refusal::kMalformedRequestLine, {400, "The request line is malformed", "", "malformed_request_line"}},
    Row{Refusal::kMalformedTarget, {400, "The request target is malformed", "", "malformed_target"}},
    Row{Refusal::kMalformedField, {400, "A header field is malformed", "", "malformed_field"}},
    Row{Refusal::kBareLineEnding, {400, "A line does not end with CR LF", "", "bare_line_ending"}},
    Row{Refusal::kObsoleteFold, {400, "A header field is folded over several lines", "", "obsolete_fold"}},
    Row{Refusal::kRepeatedField,
        {400, "A header field that may stand only once is repeated", "", "repeated_field"}},
    Row{Refusal::kMissingHost, {400, "The Host field is missing", "", "missing_host"}},
    Row{Refusal::kInvalidHost,
        {400, "The Host field is invalid or there is more than one", "", "invalid_host"}},
    Row{Refusal::kInvalidContentLength,
        {400, "The Content-Length field is invalid", "", "invalid_content_length"}},
    Row{Refusal::kConflictingLengths,
        {400, "Content-Length and Transfer-Encoding exclude each other", "", "conflicting_lengths"}},
    Row{Refusal::kInvalidTransferEncoding,
        {400, "The Transfer-Encoding field is invalid", "", "invalid_transfer_encoding"}},
    Row{Refusal::kMalformedChunk, {400, "The chunked body is malformed", "", "malformed_chunk"}},
    Row{Refusal::kMalformedForm, {400, "The form or query is malformed", "", "malformed_form"}},
    Row{Refusal::kIncompleteMessage,
        {400, "The request ended before it was complete", "", "incomplete_message"}},
    Row{Refusal::kTwoForwarded,
        {400, "There are Forwarded and X-Forwarded-For", "forwarded_header", "two_forwarded"}},
    Row{Refusal::kMalformedForwarded,
        {400, "The Forwarded or X-Forwarded-For field is malformed", "forwarded_header",
         "malformed_forwarded"}},
    Row{Refusal::kMalformedProxyHeader,
        {400, "The PROXY header is missing or malformed", "listen", "malformed_proxy_header"}},
    Row{Refusal::kPlainHttp,
        {400, "This port speaks HTTPS, and this request came in plain HTTP", "", "plain_http"}},
    Row{Refusal::kNoCredentials, {401, "Credentials are needed", "auth_username", "no_credentials"}},
    Row{Refusal::kWrongCredentials, {401, "The credentials are wrong", "auth_username", "wrong_credentials"}},
    Row{Refusal::kAddressRefused, {403, "This address has no access", "access", "address_refused"}},
    Row{Refusal::kNoCertificate, {403, "A TLS client certificate is needed", "access", "no_certificate"}},
    Row{Refusal::kUserRefused, {403, "These credentials give no access here", "access", "user_refused"}},
    Row{Refusal::kForeignOrigin, {403, "Pages of this origin have no access", "access", "foreign_origin"}},
    Row{Refusal::kNoSuchRoot, {404, "Nothing is served under this path", "", "no_such_root"}},
    Row{Refusal::kMethodNotAllowed,
        {405, "The method is not allowed for this path", "", "method_not_allowed"}},
    Row{Refusal::kHeaderTimeout,
        {408, "The request header took too long to arrive", "header_timeout", "header_timeout"}},
    Row{Refusal::kBodyTimeout,
        {408, "The request body took too long to arrive", "body_timeout", "body_timeout"}},
    Row{Refusal::kBodyTooSlow, {408, "The request body comes too slowly", "min_body_rate", "body_too_slow"}},
    Row{Refusal::kBodyTooLarge, {413, "The request body is too large", "receive_buf_size", "body_too_large"}},
    Row{Refusal::kFormTooLarge, {413, "The form is too large", "max_form_size", "form_too_large"}},
    Row{Refusal::kFormFieldTooLarge,
        {413, "A field of the form is too large", "post_buf_size", "form_field_too_large"}},
    Row{Refusal::kTooManyFormFields,
        {413, "The form has too many fields", "max_form_fields", "too_many_form_fields"}},
    Row{Refusal::kChunkExtensionsTooLarge,
        {413, "The chunk extensions are too large", "max_chunk_extension_size",
         "chunk_extensions_too_large"}},
    Row{Refusal::kTargetTooLong, {414, "The request target is too long", "max_uri_size", "target_too_long"}},
    Row{Refusal::kTooManyQueryFields,
        {414, "The query has too many fields", "max_form_fields", "too_many_query_fields"}},
    Row{Refusal::kFileUpload, {415, "Forms with files are not accepted", "", "file_upload"}},
    Row{Refusal::kUnknownExpectation,
        {417, "The only expectation that can be met is 100-continue", "", "unknown_expectation"}},
    Row{Refusal::kMisdirected,
        {421, "An https resource is not to be had over a connection without TLS", "", "misdirected"}},
    Row{Refusal::kUnknownHost,
        {421, "This server is not known by this name", "allowed_hosts", "unknown_host"}},
    Row{Refusal::kTooManyRequests,
        {429, "Too many requests come from this address", "max_request_rate", "too_many_requests"}},
    Row{Refusal::kTooManyAttempts,
        {429, "Too many wrong credentials came from this address", "max_auth_failures", "too_many_attempts"}},
    Row{Refusal::kPipelineTooLong,
        {429, "Too many requests were sent at once", "max_pipelined_requests", "pipeline_too_long"}},
    Row{Refusal::kHeaderTooLarge,
        {431, "The request header is too large", "max_header_size", "header_too_large"}},
    Row{Refusal::kTooManyFields,
        {431, "The request has too many header fields", "max_header_fields", "too_many_fields"}},
    Row{Refusal::kTrailerTooLarge,
        {431, "The trailer section is too large", "max_trailer_size", "trailer_too_large"}},
    Row{Refusal::kTooManyTrailerFields,
        {431, "The trailer section has too many fields", "max_trailer_fields", "too_many_trailer_fields"}},
    Row{Refusal::kUnknownMethod, {501, "The method is not known", "", "unknown_method"}},
    Row{Refusal::kUnknownTransferCoding,
        {501, "The only transfer coding that is known is chunked", "", "unknown_transfer_coding"}},
    Row{Refusal::kHandlerDied, {502, "The handler's process ended before it answered", "", "handler_died"}},
    Row{Refusal::kShuttingDown, {503, "The server is shutting down", "", "shutting_down"}},
    Row{Refusal::kTooManyConnections,
        {503, "The server has too many connections", "max_connections", "too_many_connections"}},
    Row{Refusal::kTooManyOfClient,
        {503, "Too many connections come from this address", "max_client_connections", "too_many_of_client"}},
    Row{Refusal::kQueueFull,
        {503, "All handlers are busy, and too many requests wait", "max_queue", "queue_full"}},
    Row{Refusal::kWaitedTooLong,
        {503, "All handlers were busy for too long", "handler_timeout", "waited_too_long"}},
    Row{Refusal::kTooManyChecks, {503, "Too many passwords are being checked", "", "too_many_checks"}},
    Row{Refusal::kOutOfResources,
        {503, "The server has no resources left for this request", "", "out_of_resources"}},
    Row{Refusal::kHandlerTimeout, {504, "The answer took too long", "handler_timeout", "handler_timeout"}},
    Row{Refusal::kUnsupportedVersion, {505, "The HTTP version is not supported", "", "unsupported_version"}},
};

constexpr bool rows_follow_the_enumeration() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].refusal) != i) return false;
  }
  return kRows.back().refusal == Refusal::kUnsupportedVersion;
}
static_assert(rows_follow_the_enumeration(), "one row for each Refusal, in the order of the enumeration");

}  // namespace

const RefusalInfo& describe(Refusal refusal) noexcept {
  return kRows[static_cast<std::size_t>(refusal)].info;
}

}  // namespace httpd::http
