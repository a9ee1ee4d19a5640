// What the tests of rules share: the shipped rules, subjects out of numbers, overlays as files.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "fivefold/policy/rules.h"

namespace fivefold {

inline const Catalog& rules_catalog() {
  static const Catalog catalog = *Catalog::load();
  return catalog;
}

inline const RuleBook& rules_book() {
  static const RuleBook book = [] {
    auto loaded = RuleBook::load(rules_catalog());
    if (!loaded) ADD_FAILURE() << to_text(loaded.error());
    return loaded.value();
  }();
  return book;
}

inline Date day(const std::string& text) {
  return *parse_date(text);
}

inline void set_value(RuleSubject& subject, const std::string& field, std::optional<double> value) {
  if (value) subject.values[field].value = value;
}

// A product that no rule names; density follows from the area.
inline RuleSubject numbers(std::optional<double> tpp, std::optional<double> area,
                           std::optional<double> dram = 300, std::optional<double> io = 64,
                           bool data_center = true) {
  RuleSubject subject;
  subject.name = "numbers";
  subject.maker_country = "US";
  subject.data_center = data_center;
  subject.data_center_stated = true;
  set_value(subject, "tpp", tpp);
  set_value(subject, "die_area_mm2", area);
  set_value(subject, "dram_bw_gbs", dram);
  set_value(subject, "io_bw_2022_gbs", io);
  return subject;
}

inline RuleSubject chip_subject(const std::string& id) {
  return rule_subject(rules_catalog(), **rules_catalog().chip(id));
}

inline Classification ask(const RuleSubject& subject, const std::string& date,
                          const Buyer& buyer = {}) {
  return rules_book().classify(subject, day(date), buyer);
}

// A folder with one file, gone at the end.
struct Overlay {
  std::string folder;
  explicit Overlay(const std::string& text) {
    static int count = 0;
    folder = testing::TempDir() + "fivefold_rules_" + std::to_string(getpid()) + "_" +
             std::to_string(count++);
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/own.yaml") << text;
  }
  ~Overlay() { std::filesystem::remove_all(folder); }
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;
  Result<RuleBook> book() const {
    const auto catalog = Catalog::load({folder});
    if (!catalog) return fail(catalog.error());
    return RuleBook::load(*catalog);
  }
};

}  // namespace fivefold
