// Tests of the refusals' table.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/refusal.h"

#include <gtest/gtest.h>
#include <iterator>
#include <set>
#include <string_view>
#include <vector>

#include "http/status.h"

namespace httpd::http {
namespace {

std::vector<Refusal> all_refusals() {
  std::vector<Refusal> all;
  for (int i = 1; i <= static_cast<int>(Refusal::kUnsupportedVersion); ++i) {
    all.push_back(static_cast<Refusal>(i));
  }
  return all;
}

TEST(Refusal, NoneRefusesNothing) {
  EXPECT_LT(describe(Refusal::kNone).status, 400);
  EXPECT_EQ(describe(Refusal::kNone).reason, "");
  EXPECT_EQ(describe(Refusal::kNone).parameter, "");
}

TEST(Refusal, EachHasARegisteredErrorStatus) {
  for (const Refusal refusal : all_refusals()) {
    const int status = describe(refusal).status;
    EXPECT_TRUE(status >= 400 && status < 600) << status;
    EXPECT_NE(reason_phrase(status), "Unknown") << status;
  }
}

TEST(Refusal, EachHasAReasonOfItsOwnInPlainAscii) {
  std::set<std::string_view> seen;
  for (const Refusal refusal : all_refusals()) {
    const std::string_view reason = describe(refusal).reason;
    ASSERT_FALSE(reason.empty());
    EXPECT_TRUE(seen.insert(reason).second) << reason;
    EXPECT_NE(reason.back(), '.') << reason;
    for (const char c : reason) {
      EXPECT_TRUE(c >= ' ' && c <= '~' && c != '"' && c != '<' && c != '&') << reason;
    }
  }
}

struct Expectation {
  Refusal refusal;
  int status;
  std::string_view parameter;
};

constexpr Expectation kTable[] = {{Refusal::kMalformedRequestLine, 400, ""},
                                  {Refusal::kMalformedTarget, 400, ""},
                                  {Refusal::kMalformedField, 400, ""},
                                  {Refusal::kBareLineEnding, 400, ""},
                                  {Refusal::kObsoleteFold, 400, ""},
                                  {Refusal::kRepeatedField, 400, ""},
                                  {Refusal::kMissingHost, 400, ""},
                                  {Refusal::kInvalidHost, 400, ""},
                                  {Refusal::kInvalidContentLength, 400, ""},
                                  {Refusal::kConflictingLengths, 400, ""},
                                  {Refusal::kInvalidTransferEncoding, 400, ""},
                                  {Refusal::kMalformedChunk, 400, ""},
                                  {Refusal::kMalformedForm, 400, ""},
                                  {Refusal::kIncompleteMessage, 400, ""},
                                  {Refusal::kTwoForwarded, 400, "forwarded_header"},
                                  {Refusal::kMalformedForwarded, 400, "forwarded_header"},
                                  {Refusal::kMalformedProxyHeader, 400, "listen"},
                                  {Refusal::kPlainHttp, 400, ""},
                                  {Refusal::kNoCredentials, 401, "auth_username"},
                                  {Refusal::kWrongCredentials, 401, "auth_username"},
                                  {Refusal::kAddressRefused, 403, "access"},
                                  {Refusal::kNoCertificate, 403, "access"},
                                  {Refusal::kUserRefused, 403, "access"},
                                  {Refusal::kForeignOrigin, 403, "access"},
                                  {Refusal::kNoSuchRoot, 404, ""},
                                  {Refusal::kMethodNotAllowed, 405, ""},
                                  {Refusal::kHeaderTimeout, 408, "header_timeout"},
                                  {Refusal::kBodyTimeout, 408, "body_timeout"},
                                  {Refusal::kBodyTooSlow, 408, "min_body_rate"},
                                  {Refusal::kBodyTooLarge, 413, "receive_buf_size"},
                                  {Refusal::kFormTooLarge, 413, "max_form_size"},
                                  {Refusal::kFormFieldTooLarge, 413, "post_buf_size"},
                                  {Refusal::kTooManyFormFields, 413, "max_form_fields"},
                                  {Refusal::kChunkExtensionsTooLarge, 413, "max_chunk_extension_size"},
                                  {Refusal::kTargetTooLong, 414, "max_uri_size"},
                                  {Refusal::kTooManyQueryFields, 414, "max_form_fields"},
                                  {Refusal::kFileUpload, 415, ""},
                                  {Refusal::kUnknownExpectation, 417, ""},
                                  {Refusal::kMisdirected, 421, ""},
                                  {Refusal::kUnknownHost, 421, "allowed_hosts"},
                                  {Refusal::kTooManyRequests, 429, "max_request_rate"},
                                  {Refusal::kTooManyAttempts, 429, "max_auth_failures"},
                                  {Refusal::kPipelineTooLong, 429, "max_pipelined_requests"},
                                  {Refusal::kHeaderTooLarge, 431, "max_header_size"},
                                  {Refusal::kTooManyFields, 431, "max_header_fields"},
                                  {Refusal::kTrailerTooLarge, 431, "max_trailer_size"},
                                  {Refusal::kTooManyTrailerFields, 431, "max_trailer_fields"},
                                  {Refusal::kUnknownMethod, 501, ""},
                                  {Refusal::kUnknownTransferCoding, 501, ""},
                                  {Refusal::kHandlerDied, 502, ""},
                                  {Refusal::kShuttingDown, 503, ""},
                                  {Refusal::kTooManyConnections, 503, "max_connections"},
                                  {Refusal::kTooManyOfClient, 503, "max_client_connections"},
                                  {Refusal::kQueueFull, 503, "max_queue"},
                                  {Refusal::kWaitedTooLong, 503, "handler_timeout"},
                                  {Refusal::kTooManyChecks, 503, ""},
                                  {Refusal::kOutOfResources, 503, ""},
                                  {Refusal::kHandlerTimeout, 504, "handler_timeout"},
                                  {Refusal::kUnsupportedVersion, 505, ""}};

TEST(Refusal, StatusAndParameter) {
  EXPECT_EQ(std::size(kTable), all_refusals().size());
  for (const Expectation& expected : kTable) {
    EXPECT_EQ(describe(expected.refusal).status, expected.status) << describe(expected.refusal).reason;
    EXPECT_EQ(describe(expected.refusal).parameter, expected.parameter) << describe(expected.refusal).reason;
  }
}

}  // namespace
}  // namespace httpd::http
