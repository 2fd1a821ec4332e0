// Tests of JSON-RPC 2.0: replies, errors, ids, notifications, recipes, batches.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/jsonrpc.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "daemon/mi/json_reader.h"
#include "fakes.h"

namespace httpd::daemon {
namespace {

constexpr const char* kParseError =
    R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null})";
constexpr const char* kInvalid =
    R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null})";

class JsonRpc : public testing::Test {
 protected:
  JsonRpc() {
    const auto show = [this](const char* recipe) {
      return [this, recipe](const MiParams& params) {
        ++calls_;
        return MiResult({{"recipe", recipe}, {"params", params}});
      };
    };
    registry_.add({"ok", {"m:ok"}, "m", "", {{{}, [this](const MiParams&) {
                                                ++calls_;
                                                return MiResult("OK");
                                              }}}});
    registry_.add({"show",
                   {},
                   "m",
                   "",
                   {{{}, show("none")},
                    {{"a"}, show("a")},
                    {{"a", "b"}, show("ab")},
                    {{"a", "c"}, show("ac")},
                    {{"x", "y", "z"}, show("xyz")}}});
    registry_.add({"needs", {}, "m", "", {{{"a"}, show("a")}}});
    registry_.add({"fail", {}, "m", "", {{{}, [](const MiParams&) -> MiResult {
                                            throw std::runtime_error("line\nbreak \xff");
                                          }}}});
    registry_.add({"fail_int", {}, "m", "", {{{}, [](const MiParams&) -> MiResult { throw 5; }}}});
    registry_.add({"refuse",
                   {},
                   "m",
                   "",
                   {{{}, [](const MiParams&) -> MiResult { throw MiError(404, "Not here"); }},
                    {{"why"}, [](const MiParams& params) -> MiResult {
                       throw MiError(500, "No", params["why"].get<std::string>());
                     }}}});
    registry_.add({"garbage", {}, "m", "", {{{}, [](const MiParams&) { return MiResult("a\xff\xc0z"); }}}});
  }

  std::string run(const std::string& text, bool pretty = false) {
    return run_jsonrpc(text, pretty, registry_, log_).value_or("no reply");
  }
  /// The member "data" of the error that these params give with the command `method`.
  std::string detail(const std::string& method, const std::string& params) {
    const nlohmann::ordered_json error = run_command(registry_, method, params);
    EXPECT_EQ(error.value("code", 0), -32602) << error;
    EXPECT_EQ(error.value("message", ""), "Invalid params");
    return error.value("data", "none");
  }
  std::string recipe(const std::string& params) { return run_command(registry_, "show", params).dump(); }

  FakeLog log_;
  MiRegistry registry_{log_};
  int calls_ = 0;
};

TEST_F(JsonRpc, AnswersInOpenSipsForm) {
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"ok","id":1})"), R"({"jsonrpc":"2.0","result":"OK","id":1})");
  EXPECT_EQ(run(R"({"id":"x","params":{},"method":"m:ok","jsonrpc":"2.0"})"),
            R"({"jsonrpc":"2.0","result":"OK","id":"x"})");
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"ok","id":1,"unknown":[]})"),
            R"({"jsonrpc":"2.0","result":"OK","id":1})");
}

TEST_F(JsonRpc, PrettyPrinting) {
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"ok","id":1})", true),
            "{\n    \"jsonrpc\": \"2.0\",\n    \"result\": \"OK\",\n    \"id\": 1\n}");
  EXPECT_EQ(
      run(R"([{"jsonrpc":"2.0","method":"ok","id":1},{"jsonrpc":"2.0","method":"ok","id":"a\nb"}])", true),
      "[\n    {\n        \"jsonrpc\": \"2.0\",\n        \"result\": \"OK\",\n        \"id\": 1\n    },\n"
      "    {\n        \"jsonrpc\": \"2.0\",\n        \"result\": \"OK\",\n        \"id\": \"a\\nb\"\n    "
      "}\n]");
}

TEST_F(JsonRpc, IdsComeBackExactly) {
  for (const std::string id :
       {"null", "0", "-1", "9007199254740993", "18446744073709551615", "18446744073709551616",
        "123456789012345678901234567890", "1.10", "2e3", "\"\"", "\"\xc3\xa9\\n\""}) {
    EXPECT_EQ(run("{\"jsonrpc\":\"2.0\",\"method\":\"ok\",\"id\":" + id + "}"),
              "{\"jsonrpc\":\"2.0\",\"result\":\"OK\",\"id\":" + id + "}");
  }
}

TEST_F(JsonRpc, IdsOfOtherTypesAreInvalid) {
  for (const std::string id : {"true", "[]", "{}", "[1]"}) {
    EXPECT_EQ(run("{\"jsonrpc\":\"2.0\",\"method\":\"ok\",\"id\":" + id + "}"), kInvalid) << id;
  }
  EXPECT_EQ(calls_, 0);
}

TEST_F(JsonRpc, WhatIsNoJsonIsAParseError) {
  for (const char* text : {"", "{", "x", R"({"jsonrpc":"2.0","method":"ok","id":1)", "[1,", "\"\xff\""}) {
    EXPECT_EQ(run(text), kParseError) << text;
  }
  const std::string deep = std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']');
  EXPECT_EQ(run("{\"jsonrpc\":\"2.0\",\"method\":\"ok\",\"params\":" + deep + ",\"id\":1}"), kParseError);
}

TEST_F(JsonRpc, WhatIsNoRequestIsInvalid) {
  for (const char* text :
       {"1", "null", "\"a\"", "{}", R"({"jsonrpc":"2.0"})", R"({"method":"ok"})",
        R"({"jsonrpc":2.0,"method":"ok"})", R"({"jsonrpc":"1.0","method":"ok"})",
        R"({"jsonrpc":"2.0","method":1})", R"({"jsonrpc":"2.0","Method":"ok"})",
        R"({"jsonrpc":"2.0","method":"ok","params":null})", R"({"jsonrpc":"2.0","method":"ok","params":"a"})",
        R"({"jsonrpc":"2.0","method":"ok","params":0})"}) {
    EXPECT_EQ(run(text), kInvalid) << text;
  }
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","id":7})"),
            R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":7})");
  EXPECT_EQ(calls_, 0);
}

TEST_F(JsonRpc, UnknownMethod) {
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"nope","id":1})"),
            R"({"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1})");
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"ok\u0000","id":1})").find("-32601") != std::string::npos, true);
}

TEST_F(JsonRpc, NotificationsRunUnanswered) {
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"ok"})"), "no reply");
  EXPECT_EQ(calls_, 1);
  for (const char* method : {"nope", "fail", "refuse", "needs"}) {
    EXPECT_EQ(run(std::string(R"({"jsonrpc":"2.0","method":")") + method + "\"}"), "no reply") << method;
  }
  EXPECT_EQ(log_.lines.size(), 1U);
}

TEST_F(JsonRpc, RecipeByNumber) {
  EXPECT_EQ(recipe(""), R"({"recipe":"none","params":{}})");
  EXPECT_EQ(recipe("[]"), R"({"recipe":"none","params":{}})");
  EXPECT_EQ(recipe("{}"), R"({"recipe":"none","params":{}})");
  EXPECT_EQ(recipe("[[1]]"), R"({"recipe":"a","params":{"a":[1]}})");
  EXPECT_EQ(recipe("[1,2,3]"), R"({"recipe":"xyz","params":{"x":1,"y":2,"z":3}})");
  EXPECT_EQ(detail("show", "[1,2]"), "Ambiguous call, use named parameters instead");
  EXPECT_EQ(detail("show", "[1,2,3,4]"), "Too few or too many parameters");
  EXPECT_EQ(detail("ok", "[1]"), "Too few or too many parameters");
  EXPECT_EQ(detail("needs", ""), "Too few or too many parameters");
}

TEST_F(JsonRpc, RecipeByNames) {
  EXPECT_EQ(recipe(R"({"b":1,"a":2})"), R"({"recipe":"ab","params":{"a":2,"b":1}})");
  EXPECT_EQ(recipe(R"({"c":{"d":1},"a":2})"), R"({"recipe":"ac","params":{"a":2,"c":{"d":1}}})");
  EXPECT_EQ(detail("show", R"({"b":1,"c":2})"), "Named parameters do not match");
  EXPECT_EQ(detail("show", R"({"A":1})"), "Named parameters do not match");
  EXPECT_EQ(detail("show", R"({"a":1,"b":2,"c":3,"d":4})"), "Too few or too many parameters");
  EXPECT_EQ(detail("ok", R"({"a":1})"), "Too few or too many parameters");
}

TEST_F(JsonRpc, CommandErrorsArePassedOn) {
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"refuse","id":1})"),
            R"({"jsonrpc":"2.0","error":{"code":404,"message":"Not here"},"id":1})");
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"refuse","params":["because"],"id":1})"),
            R"({"jsonrpc":"2.0","error":{"code":500,"message":"No","data":"because"},"id":1})");
  EXPECT_TRUE(log_.lines.empty());
}

TEST_F(JsonRpc, ExceptionsBecomeInternalErrorsAndOneLogLine) {
  const std::string internal =
      R"({"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1})";
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"fail","id":1})"), internal);
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"fail_int","id":1})"), internal);
  // A value of another type than the command expects is an exception of the JSON library.
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"refuse","params":[[]],"id":1})"), internal);
  ASSERT_EQ(log_.lines.size(), 3U);
  EXPECT_EQ(log_.lines[0], "MI command fail failed: \"line\\nbreak \xef\xbf\xbd\"");
  EXPECT_EQ(log_.lines[1], "MI command fail_int failed: \"unknown exception\"");
}

TEST_F(JsonRpc, ResultsThatAreNoUtf8AreRepaired) {
  EXPECT_EQ(run(R"({"jsonrpc":"2.0","method":"garbage","id":1})"),
            "{\"jsonrpc\":\"2.0\",\"result\":\"a\xef\xbf\xbd\xef\xbf\xbdz\",\"id\":1}");
}

TEST_F(JsonRpc, Batches) {
  const std::string ok = R"({"jsonrpc":"2.0","method":"ok","id":1})";
  const std::string notification = R"({"jsonrpc":"2.0","method":"ok"})";
  const std::string ok_reply = R"({"jsonrpc":"2.0","result":"OK","id":1})";
  EXPECT_EQ(run("[]"), kInvalid);
  EXPECT_EQ(run("[1]"), std::string("[") + kInvalid + "]");
  EXPECT_EQ(run("[1,[" + ok + "]]"), std::string("[") + kInvalid + "," + kInvalid + "]");
  EXPECT_EQ(run("[" + ok + "]"), "[" + ok_reply + "]");
  EXPECT_EQ(run("[" + notification + "," + ok + "," + notification + "," + ok + "]"),
            "[" + ok_reply + "," + ok_reply + "]");
  EXPECT_EQ(run("[" + notification + "," + notification + "]"), "no reply");
  EXPECT_EQ(calls_, 7);
}

TEST_F(JsonRpc, BatchSizeIsLimited) {
  const auto batch = [](std::size_t size) {
    std::string text = "[";
    for (std::size_t i = 0; i < size; ++i)
      text += std::string(i == 0 ? "" : ",") + R"({"jsonrpc":"2.0","method":"ok"})";
    return text + "]";
  };
  EXPECT_EQ(run(batch(kMaxBatchSize)), "no reply");
  EXPECT_EQ(calls_, 100);
  const nlohmann::json reply = nlohmann::json::parse(run(batch(kMaxBatchSize + 1)));
  EXPECT_EQ(reply["error"]["code"], -32600);
  EXPECT_TRUE(reply["id"].is_null());
  EXPECT_EQ(calls_, 100);
}

TEST_F(JsonRpc, EveryPrefixOfARequestIsAnswered) {
  const std::string text =
      R"([{"jsonrpc":"2.0","method":"show","params":{"a":"\u00e9\\"},"id":1.5},{"id":[]}])";
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_EQ(run(text.substr(0, size)), kParseError) << size;
  EXPECT_NE(run(text), kParseError);
}

}  // namespace
}  // namespace httpd::daemon
