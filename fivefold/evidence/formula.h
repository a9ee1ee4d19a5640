// Arithmetic over facts, with units: what a claim is recomputed by.
//
//   formula := term (('+' | '-') term)*      term := factor (('*' | '/') factor)*
//   factor  := number | name | 'ceil(' formula ')' | 'floor(' formula ')' | '(' formula ')' | '-'
//   factor name    := id ('.' id)*                  such as cloudmatrix384.chips,
//   ascend_910c.peak_dense.bf16
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fivefold/base/error.h"
#include "fivefold/base/units.h"

namespace fivefold {

struct Amount {
  double value = 0;  // coherent units
  Dim dim;
};

// `look_up` is asked for each name. Sums of different dimensions are errors, as is a division by
// zero.
Result<Amount> evaluate(std::string_view formula,
                        const std::function<Result<Amount>(std::string_view)>& look_up);
// The names in a formula, in order, each once. Fails as evaluate does on bad syntax.
Result<std::vector<std::string>> names_in(std::string_view formula);

}  // namespace fivefold
