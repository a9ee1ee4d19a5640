// Export rules as data: which chip, on which day, may go where, and what says so.
//
// A rule (catalog/policy/*.yaml, keys `rules` and `gates`; a user's folder overlays it) holds
// predicates over values of a chip, with dates and destinations; the engine knows comparison, all,
// any and three truths, and no rule by name (docs/rules.md). A planning aid and no legal advice.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/date.h"
#include "fivefold/catalog/catalog.h"

namespace fivefold {

enum class Truth { kNo, kYes, kUnknown };  // Kleene: a value that nobody published decides nothing

// A value that predicates ask for, by field name ("tpp", "performance_density", "dram_bw_gbs").
// Yes and no are one and zero.
struct RuleValue {
  std::optional<double> value;      // empty: not published
  bool at_least = false;            // a part of it is not published: a test may stay undecided
  std::string text;                 // of fields that are words ("seller")
  std::optional<double> low, high;  // where sources differ
  std::string from;                 // "4 bit x 2,015 TFLOPS"
  std::vector<std::string> sources;
  Confidence confidence = Confidence::kLow;
};

// What is classified: a chip of the catalog, or numbers that a user states.
struct RuleSubject {
  std::string id, name, vendor;
  std::vector<std::string> names;  // id and aliases: what rules on named products ask
  std::string maker_country;       // "US", "CN": whose exports a country's rules reach; empty: all
  bool data_center = true;
  bool data_center_stated = false;  // otherwise assumed
  std::map<std::string, RuleValue, std::less<>> values;
};
// The values of a chip: "tpp", "performance_density", "io_bw_2022_gbs", "dram_bw_gbs" (GB/s, both
// directions of links), and every fact that is a number or yes/no by its path, in coherent units.
//   TPP = max over formats of bits x dense TOPS; density = TPP / die area in mm2 (88 FR 73458)
//   I/O = 2 x (scale-up + bridge + bus to the host), a direction each (87 FR 62186)
RuleSubject rule_subject(const Catalog& catalog, const Chip& chip);

struct Buyer {
  std::string destination = "CN";  // ISO 3166 alpha-2
  bool state_funded = false;       // data centres with money of the state
  std::string headquarters = {};   // country of the ultimate parent; empty: the destination
};

// From free to forbidden; kUnknown where a value that decides is not published.
enum class Access { kFree, kNotice, kReview, kLicence, kDenied, kUnknown };
// What the buyer's own side says.
enum class Gate { kAdmitted, kDiscouraged, kConditional, kBlocked, kBanned };
std::string_view name(Access access);  // "no licence", "licence exception with notice", ...
std::string_view name(Gate gate);
// Significant digits with separators, without zeros at the end: "2,400", "5.92".
std::string plain_number(double value, int digits = 6);

// One comparison of a predicate, with the chip's value against the threshold.
struct ThresholdTest {
  std::string field, op;
  double threshold = 0;
  std::optional<double> value;
  std::string against;  // of words and yes/no, instead of numbers: "yes", "H20, Gaudi 3"
  std::string found;    // likewise, the subject's
  Truth met = Truth::kUnknown;
  bool unsure = false;  // the range of the value lies on both sides
};

// One rule that was in force, and what came of it.
struct RuleFinding {
  std::string rule, clause;  // "us-2023-10", "3A090.a"
  std::string name, outcome;
  Truth applies = Truth::kNo;
  bool reached = true;  // false: the maker is not of a country whose exports the rule is about
  std::vector<ThresholdTest> tests;
  std::vector<std::string> sources;
  Confidence confidence = Confidence::kLow;
  Place place;
};

struct Classification {
  Date date;
  Buyer buyer;
  Access access = Access::kFree;  // of the seller's side
  Gate gate = Gate::kAdmitted;
  bool granted = false;  // licences are being issued
  // As if the maker were of a country whose rules reach it; differs from `access` only if not.
  Access as_if = Access::kFree;
  std::string as_if_clause;
  bool reached = true;
  Access least = Access::kFree, most = Access::kFree;  // of an answer that is unknown
  std::string clause;                                  // that decides: "3A090.a"; empty: none
  std::string outcome;                                 // in words
  std::string gate_outcome;                            // in words; empty if nothing is in force
  double revenue_share = 0;                            // of licensed sales, to the seller's state
  double tariff = 0;                                   // on the way
  std::vector<RuleFinding> findings;  // every rule in force, in the order of evaluation
  std::vector<RuleFinding> gates;
  std::vector<std::string> cautions;  // assumptions, and values whose range would change the answer
  // Somebody may sell it and somebody may buy it: free, notice or review with a licence granted,
  // and admitted or merely discouraged.
  bool exportable() const;
  bool admitted() const;
};

class RuleBook {
 public:
  // All problems of the files at once: unknown fields, overlapping versions, dates out of range.
  static Result<RuleBook> load(const Catalog& catalog);
  // `buyer` must hold codes that check_buyer accepts.
  Classification classify(const RuleSubject& subject, Date date, const Buyer& buyer = {}) const;
  // The days on which the answer may change, in order: rules and gates begin or end.
  std::vector<Date> turning_days() const;
  // A day before the first rule or past what the facts know is an error that names the bounds.
  Result<Date> check_date(Date date) const;
  Date last_day() const;  // that they know
  // With codes in capitals; an unknown country is an error.
  Result<Buyer> check_buyer(Buyer buyer) const;
  // Reads FIELD=VALUE of a value that a user states ("seller=foundry",
  // "memory_bandwidth_density=2.8").
  Result<void> state(RuleSubject& subject, std::string_view assignment) const;
  struct Data;
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// How far a chip must be cut to pass without a licence on a date: each of compute, memory
// bandwidth and links alone where that is enough, and all that must go together. Factors are of
// the chip's own value (1: nothing to cut). A cut chip is another product: rules that name the
// chip do not reach it. The die stays as it is.
struct ChipLimit {
  struct Cut {
    std::string field;  // "tpp", "dram_bw_gbs", "io_bw_2022_gbs"
    double value = 0;   // the chip's
    double limit = 0;   // the edge: what lies below passes, itself it does not if `open`
    bool open = true;
    double factor = 1;  // limit over value
    std::string rule, clause;
    std::string binding;  // the threshold in words: "performance density below 3.2 at 750 mm2"
  };
  using Way = std::vector<Cut>;
  bool passes = false;    // as it is, by its numbers
  std::vector<Cut> cuts;  // the way that leaves most; empty if it passes
  std::vector<Way> ways;  // all: no cut of a way can be left out
};
// A value of the chip that is not published, or no way at all, is an error.
Result<ChipLimit> limit_of(const RuleBook& book, const RuleSubject& subject, Date date,
                           const Buyer& buyer = {});

}  // namespace fivefold
