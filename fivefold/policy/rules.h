// Export rules as data: which chip, on which day, may go where, and what says so.
//
// A rule (catalog/policy/*.yaml, key `rules`; a user's folder overlays it) holds predicates over
// values of a chip, with dates and destinations; the engine knows comparison, all, any and three
// truths, and no rule by name. A planning aid and no legal advice.
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
struct RuleValue {
  std::optional<double> value;      // empty: not published
  std::optional<double> low, high;  // where sources differ
  std::string from;                 // "4 bit x 2,015 TFLOPS"
  std::vector<std::string> sources;
  Confidence confidence = Confidence::kLow;
};

// What is classified: a chip of the catalog, or numbers that a user states.
struct RuleSubject {
  std::string id, name, vendor;
  std::vector<std::string> names;  // id and aliases: what rules on named products ask
  std::string maker_country;       // "US", "CN": whose exports the US rules reach
  bool data_center = true;
  std::map<std::string, RuleValue, std::less<>> values;
};
// TPP and performance density computed from the catalog (definitions in docs/rules.md).
RuleSubject rule_subject(const Catalog& catalog, const Chip& chip);

struct Buyer {
  std::string destination = "CN";
  bool state_funded = false;  // data centres with money of the state
};

// From free to forbidden; kUnknown where a value that decides is not published.
enum class Access { kFree, kNotice, kReview, kLicence, kDenied, kUnknown };
// What the buyer's own side says.
enum class Gate { kAdmitted, kDiscouraged, kConditional, kBlocked, kBanned };
std::string_view name(Access access);  // "no licence", "licence exception with notice", ...
std::string_view name(Gate gate);

// One comparison of a predicate, with the chip's value against the threshold.
struct ThresholdTest {
  std::string field, op;
  double threshold = 0;
  std::optional<double> value;
  Truth met = Truth::kUnknown;
};

// One rule that was in force, and what came of it.
struct RuleFinding {
  std::string rule, clause;  // "us-2023-10", "3A090.a"
  std::string name, outcome;
  Truth applies = Truth::kNo;
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
  std::string clause;                 // that decides: "3A090.a"; empty: none
  std::string outcome;                // in words
  std::string gate_outcome;           // in words; empty if nothing is in force
  double revenue_share = 0;           // of licensed sales, to the seller's state
  double tariff = 0;                  // on the way
  std::vector<RuleFinding> findings;  // every rule in force, in the order of evaluation
  std::vector<RuleFinding> gates;
  // Somebody may sell it and somebody may buy it: free, notice or review with a licence granted,
  // and admitted or merely discouraged.
  bool exportable() const;
  bool admitted() const;
};

class RuleBook {
 public:
  // All problems of the files at once: unknown fields, overlapping versions, dates out of range.
  static Result<RuleBook> load(const Catalog& catalog);
  Classification classify(const RuleSubject& subject, Date date, const Buyer& buyer = {}) const;
  // The days on which the answer may change, in order: rules and gates begin or end.
  std::vector<Date> turning_days() const;
  // A day before the first rule or past what the facts know is an error that names the bounds.
  Result<Date> check_date(Date date) const;
  struct Data;
  const Data& data() const { return *data_; }

 private:
  std::shared_ptr<const Data> data_;
};

// How far a chip must be cut to pass without a licence on a date: each of compute, memory
// bandwidth and links alone where that is enough, and all that must go together. Factors are of
// the chip's own value (1: nothing to cut).
struct ChipLimit {
  struct Cut {
    std::string field;  // "tpp", "dram_bw_gbs", "io_bw_2022_gbs"
    double value = 0;   // the chip's
    double limit = 0;   // the most that passes (the thresholds are open: just under)
    double factor = 1;  // limit over value
    std::string rule, clause;
    std::string binding;  // the threshold in words: "TPP / area below 3.2 at 750 mm2"
  };
  bool passes = false;    // as it is
  std::vector<Cut> cuts;  // together they pass; empty if it passes
};
Result<ChipLimit> limit_of(const RuleBook& book, const RuleSubject& subject, Date date,
                           const Buyer& buyer = {});

}  // namespace fivefold
