// Tests of the command table.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mi/registry.h"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes.h"

namespace httpd::daemon {
namespace {

MiCommand command(const std::string& name, std::vector<std::string> aliases,
                  const std::string& module = "mod") {
  return {name, std::move(aliases), module, "", {{{}, [](const MiParams&) { return MiResult("OK"); }}}};
}

std::string refusal(MiRegistry& registry, MiCommand added) {
  try {
    registry.add(std::move(added));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no refusal";
}

TEST(MiRegistry, FindsByNameAndAlias) {
  FakeLog log;
  MiRegistry registry(log);
  registry.add(command("one", {"m:one", "uno"}));
  registry.add(command("two", {}));
  const MiCommand* const one = registry.find("one");
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->name, "one");
  EXPECT_EQ(registry.find("m:one"), one);
  EXPECT_EQ(registry.find("uno"), one);
  EXPECT_EQ(registry.find("on"), nullptr);
  EXPECT_EQ(registry.find("ONE"), nullptr);
  EXPECT_EQ(registry.find(""), nullptr);
}

TEST(MiRegistry, CommandsStayInOrderAndInPlace) {
  FakeLog log;
  MiRegistry registry(log);
  registry.add(command("c0", {}));
  const MiCommand* const first = registry.find("c0");
  for (int i = 1; i < 500; ++i)
    registry.add(command("c" + std::to_string(i), {}));
  EXPECT_EQ(registry.find("c0"), first);
  ASSERT_EQ(registry.commands().size(), 500U);
  EXPECT_EQ(registry.commands()[0].name, "c0");
  EXPECT_EQ(registry.commands()[499].name, "c499");
}

TEST(MiRegistry, RefusesTakenNamesWithBothModules) {
  FakeLog log;
  MiRegistry registry(log);
  registry.add(command("one", {"uno"}, "first"));
  for (const MiCommand& taken :
       {command("one", {}, "second"), command("uno", {}, "second"), command("new", {"one"}, "second"),
        command("new", {"also_new", "uno"}, "second")}) {
    const std::string text = refusal(registry, taken);
    EXPECT_NE(text.find("module first"), std::string::npos) << text;
    EXPECT_NE(text.find("module second"), std::string::npos) << text;
  }
  EXPECT_EQ(registry.commands().size(), 1U);
  EXPECT_EQ(registry.find("new"), nullptr);
  EXPECT_EQ(registry.find("also_new"), nullptr);
}

TEST(MiRegistry, RefusesCommandsThatCannotBeCalled) {
  FakeLog log;
  MiRegistry registry(log);
  EXPECT_NE(refusal(registry, command("", {})), "no refusal");
  EXPECT_NE(refusal(registry, command("a", {""})), "no refusal");
  EXPECT_NE(refusal(registry, command("a", {"a"})), "no refusal");
  MiCommand none = command("a", {});
  none.recipes.clear();
  EXPECT_NE(refusal(registry, none), "no refusal");
  MiCommand empty = command("a", {});
  empty.recipes.push_back({{"p"}, nullptr});
  EXPECT_NE(refusal(registry, empty), "no refusal");
  EXPECT_TRUE(registry.commands().empty());
  EXPECT_EQ(registry.find("a"), nullptr);
}

}  // namespace
}  // namespace httpd::daemon
