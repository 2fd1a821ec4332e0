// Tests of the commands about commands, processes and the daemon.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/commands.h"

#include <ctime>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

#include "fakes.h"

namespace httpd::daemon {
namespace {

class Commands : public testing::Test {
 protected:
  Commands() { add_daemon_commands(registry_, state_); }
  std::string run(const std::string& method, const std::string& params = {}) {
    return run_command(registry_, method, params).dump();
  }
  FakeLog log_;
  FakeState state_;
  MiRegistry registry_{log_};
};

TEST_F(Commands, WhichListsTheNamesOfVersion3AndThenThoseOfVersion4) {
  EXPECT_EQ(
      run("which"),
      R"(["httpd_list_root_path","httpd_requests","which","help","ps","uptime","version","pwd","arg","log_level",)"
      R"("get_statistics","list_statistics","reset_statistics","reset_all_statistics","httpd:list_root_path",)"
      R"("httpd:requests","core:which","core:help","core:ps",)"
      R"("core:uptime","core:version","core:pwd","core:arg","core:log_level","statistics:get",)"
      R"("statistics:list","statistics:reset","statistics:reset_all"])");
}

TEST_F(Commands, WhichShowsTheParametersOfOne) {
  EXPECT_EQ(run("which", R"(["log_level"])"), R"([[],["level"],["level","pid"]])");
  EXPECT_EQ(run("which", R"({"command":"core:help"})"), R"([[],["mi_cmd"]])");
  EXPECT_EQ(run("which", R"(["statistics:"])"),
            R"(["statistics:get","statistics:list","statistics:reset","statistics:reset_all"])");
  const std::string unknown = R"({"code":404,"message":"unknown MI command"})";
  EXPECT_EQ(run("which", R"(["nope"])"), unknown);
  EXPECT_EQ(run("which", R"(["nope:"])"), unknown);
  EXPECT_EQ(run("which", R"([""])"), unknown);
  EXPECT_EQ(run("which", "[5]"), unknown);
  EXPECT_EQ(run("which", "[[]]"),
            R"({"code":-32602,"message":"Invalid params","data":"Bad type for parameter 'command'"})");
}

TEST_F(Commands, EveryCommandAnswersToItsNameOfVersion4) {
  for (const char* name :
       {"httpd:list_root_path", "httpd:requests", "core:which", "core:help", "core:ps", "core:uptime",
        "core:version", "core:pwd", "core:arg", "core:log_level", "statistics:get", "statistics:list"}) {
    EXPECT_NE(registry_.find(name), nullptr) << name;
  }
  EXPECT_EQ(run("core:ps"), run("ps"));
}

TEST_F(Commands, EveryCommandHasHelp) {
  for (const MiCommand& command : registry_.commands())
    EXPECT_FALSE(command.help.empty()) << command.name;
  EXPECT_EQ(run("help"), R"("Usage: help mi_cmd - returns information about 'mi_cmd'")");
  EXPECT_EQ(run("help", R"(["ps"])"), R"({"Help":"lists all processes of the daemon","Exported by":"core"})");
  EXPECT_EQ(run("help", R"({"mi_cmd":"x"})"), R"({"code":404,"message":"unknown MI command"})");
  registry_.add({"bare", {}, "", "", {{{}, [](const MiParams&) { return MiResult(); }}}});
  EXPECT_EQ(run("help", R"(["bare"])"), R"({"Help":"not available for this command"})");
}

TEST_F(Commands, ListRootPath) {
  const std::string roots = R"([{"http_root":"mi","module":"mi_http"},{"http_root":"a/b","module":"mod"}])";
  EXPECT_EQ(run("httpd_list_root_path"), roots);
  EXPECT_EQ(run("httpd:list_root_path"), roots);
  EXPECT_EQ(run("httpd_list_root_path", "[1]"),
            R"({"code":-32602,"message":"Invalid params","data":"Too few or too many parameters"})");
}

TEST_F(Commands, RequestsAreWithHandlersOrWait) {
  EXPECT_EQ(
      run("httpd_requests"),
      R"({"Handlers":[{"Root":"mi","Request":"POST /mi HTTP/1.1","Client":"192.0.2.1:1000",)"
      R"("State":"running","Seconds":1.5,"PID":101}],"Queue":[{"Root":"a/b","Request":"GET /a/b HTTP/1.1",)"
      R"("Client":"unix","State":"queued","Seconds":0.0}]})");
}

TEST_F(Commands, Ps) {
  EXPECT_EQ(run("ps"),
            R"({"Processes":[{"ID":0,"PID":100,"Type":"attendant"},{"ID":1,"PID":101,"Type":"HTTPD"}]})");
}

TEST_F(Commands, Uptime) {
  const nlohmann::ordered_json result = run_command(registry_, "uptime");
  ASSERT_EQ(result.size(), 3U) << result;
  std::string since = std::ctime(&state_.start);
  since.pop_back();
  EXPECT_EQ(result["Up since"], since);
  EXPECT_EQ(result["Now"].get<std::string>().size(), since.size());
  EXPECT_TRUE(result["Up time"] == "61 [sec]" || result["Up time"] == "62 [sec]") << result;
  state_.start = std::time(nullptr) + 1000;
  EXPECT_EQ(run_command(registry_, "uptime")["Up time"], "0 [sec]");
}

TEST_F(Commands, Version) {
  EXPECT_EQ(run("version"), R"x({"Server":"opensips-httpd (0.1.0 (x86_64/linux))"})x");
  EXPECT_EQ(run("version", R"(["revision"])"),
            R"x({"Server":"opensips-httpd (0.1.0 (x86_64/linux))","git":"abc123"})x");
}

TEST_F(Commands, PwdAndArg) {
  EXPECT_EQ(run_command(registry_, "pwd"), MiResult({{"WD", std::filesystem::current_path().string()}}));
  EXPECT_EQ(run("arg"), R"(["opensips-httpd","-f","x.cfg"])");
}

TEST_F(Commands, LogLevel) {
  EXPECT_EQ(
      run("log_level"),
      R"({"Processes":[{"PID":100,"Log level":3,"Type":"attendant"},{"PID":101,"Log level":3,"Type":"HTTPD"}]})");
  EXPECT_EQ(run("log_level", "[4]"), R"({"New global log level":4})");
  EXPECT_EQ(state_.level, 4);
  EXPECT_EQ(state_.httpd_level, 4);
  EXPECT_EQ(run("log_level", R"({"pid":"101","level":"-1"})"), R"({"Log level":-1})");
  EXPECT_EQ(state_.level, 4);
  EXPECT_EQ(state_.httpd_level, -1);
  EXPECT_EQ(run("log_level", "[2,0]"), R"({"New global log level":2})");
  EXPECT_EQ(state_.httpd_level, 2);
}

TEST_F(Commands, LogLevelErrors) {
  EXPECT_EQ(run("log_level", "[4,102]"), R"({"code":-32602,"message":"Invalid params","data":"Bad PID"})");
  EXPECT_EQ(run("log_level", R"(["debug"])"),
            R"({"code":-32602,"message":"Invalid params","data":"Bad type for parameter 'level'"})");
  EXPECT_EQ(run("log_level", R"([4,"x"])"),
            R"({"code":-32602,"message":"Invalid params","data":"Bad type for parameter 'pid'"})");
  EXPECT_EQ(run("log_level", R"({"pid":101})"),
            R"({"code":-32602,"message":"Invalid params","data":"Named parameters do not match"})");
  EXPECT_EQ(state_.level, 3);
  EXPECT_EQ(state_.httpd_level, 3);
}

TEST_F(Commands, LevelsOutsideTheScaleAreTakenAsOpenSipsTakesThem) {
  EXPECT_EQ(run("log_level", "[-4]"), R"({"New global log level":-4})");
  EXPECT_EQ(run("log_level", "[5]"), R"({"New global log level":5})");
  EXPECT_EQ(state_.level, 5);
}

}  // namespace
}  // namespace httpd::daemon
