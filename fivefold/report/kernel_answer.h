// The time of one operator, or of a row of them, and why: for people, as CSV and as JSON.
#pragma once

#include <string>
#include <vector>

#include "fivefold/kernel/kernel.h"
#include "fivefold/report/kernel_question.h"
#include "fivefold/report/table.h"

namespace fivefold {

struct KernelAnswer {
  KernelQuestion question;
  Family family = Family::kGemm;  // "attention" of one new token is attention_decode
  KernelTime time;
  Seconds narrowing;  // of its DRAM time: activations in BF16 put into the product's format
  Work work;
  Seconds roofline;
  Format compute = Format::kBf16;                           // in which the device computes
  double achieved() const { return roofline / time.time; }  // share of the roofline
};

struct KernelAnswers {
  std::string chip, stack;
  std::string swept;  // extent that the answers differ in; empty: there is one
  std::vector<KernelAnswer> answers;
  std::vector<const Fact*> facts;  // of the stack, behind the first answer
};

KernelAnswer answer_kernel(const KernelModel& model, const KernelQuestion& question,
                           const AskedKernel& asked);
// `sweep` without values: the question as it is. Pointers of facts live as long as the stack.
Result<KernelAnswers> answer_kernels(const KernelModel& model, const KernelQuestion& question,
                                     const KernelSweep& sweep);

std::string kernel_text(const KernelAnswers& answers);
std::string kernel_csv(const KernelAnswers& answers);
std::string kernel_json(const KernelAnswers& answers);

}  // namespace fivefold
