// Tests of the figures that the system gives of processes. SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/process_metrics.h"

#include <gmock/gmock.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace httpd::daemon {
namespace {

using ::testing::ElementsAre;

/// The labels of every family's series, which must be the same in each.
std::vector<std::string> labels_of(const std::vector<ProcessInfo>& processes) {
  std::vector<std::string> first;
  for (const MetricFamily& family : process_metrics(processes)) {
    std::vector<std::string> labels;
    for (const Metric& metric : family.metrics) {
      EXPECT_EQ(metric.labels.size(), 1U);
      labels.push_back(metric.labels.front().second);
    }
    if (first.empty()) first = labels;
    EXPECT_EQ(labels, first) << family.name;
  }
  return first;
}

TEST(ProcessMetrics, LabelsDoNotChangeWithTheAddresses) {
  for (const char* const urls :
       {"http://127.0.0.1:8888, unix:/run/a", "https://*:443", "unix:/run/a, http://*:80"})
    EXPECT_THAT(labels_of({{1, ::getpid(), std::string("HTTPD ") + urls, 0}}), ElementsAre("HTTPD")) << urls;
}

TEST(ProcessMetrics, ProcessesOfOneNameAreTwoSeries) {
  EXPECT_THAT(labels_of({{0, ::getpid(), "attendant", 0},
                         {1, ::getpid(), "poller", 0},
                         {2, ::getpid(), "poller", 0},
                         {3, ::getpid(), "HTTPD worker 1", 0}}),
              ElementsAre("attendant", "poller", "poller 2", "HTTPD worker 1"));
}

TEST(ProcessMetrics, WhatHasEndedIsLeftOut) {
  constexpr pid_t kNobody = 0x7ffffff0;
  EXPECT_THAT(labels_of({{0, ::getpid(), "attendant", 0}, {1, kNobody, "gone", 0}}),
              ElementsAre("attendant"));
}

}  // namespace
}  // namespace httpd::daemon
