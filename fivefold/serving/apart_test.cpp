#include "fivefold/serving/apart.h"

#include <gmock/gmock.h>

#include "fivefold/serving/rig_test.h"
#include "fivefold/serving/vision.h"

namespace fivefold {
namespace {

struct Apart {
  Rig rig{"cloudmatrix384", 384, kR1};
  ServingModel serving = rig.serving();
  ServingWorkload workload{.input = 4096, .output = 1024};
};

// Twice the micro-batches of half the size never make the slower side wait longer than its own work
// and its way: a step lies between the busiest side's work and the sum of all.
TEST(Apart, a_step_lies_between_its_busiest_side_and_the_sum_of_all) {
  const Apart t;
  for (const int m : {1, 2, 3, 4}) {
    const ApartLayout layout{.dp = 288, .experts = 256, .micro_batches = m};
    const auto e = decode_apart(t.serving, t.serving, t.workload, layout, 48);
    ASSERT_TRUE(e) << e.error().problems[0].what;
    EXPECT_GE(e->step, m * std::max(e->attention, e->experts));
    EXPECT_LE(e->attention_busy, 1);
    EXPECT_LE(e->experts_busy, 1);
    if (m == 1) {
      EXPECT_GE(e->step, e->attention + e->experts + 2 * e->transfer);
    }
  }
}

TEST(Apart, experts_that_do_not_fit_are_refused) {
  const Apart t;
  const auto e = decode_apart(t.serving, t.serving, t.workload, {.dp = 32, .experts = 4}, 8);
  ASSERT_FALSE(e);
  EXPECT_THAT(e.error().problems[0].what, ::testing::HasSubstr("experts need"));
}

TEST(Vision, no_batch_beats_the_peak_and_larger_ones_are_no_slower_an_image) {
  const Rig rig("rtx_pro_6000d_server_8", 1, kLlama);
  const Model& encoder = **catalog().model("facebook/dinov2-large");
  double before = 0;
  for (const double batch : {1.0, 4.0, 16.0, 64.0}) {
    const auto e = image_batch(rig.kernels, encoder, {}, batch);
    ASSERT_TRUE(e);
    EXPECT_LE(e->utilisation, 1);
    EXPECT_GE(e->images_per_second, 0.95 * before);
    before = e->images_per_second;
  }
}

// 1,370 tokens of a ViT-L: 2 x 304M x 1370 and attention, about 1.0 TFLOP an image.
TEST(Vision, an_image_takes_the_operations_of_its_encoder) {
  const Rig rig("rtx_pro_6000d_server_8", 1, kLlama);
  const auto e = image_batch(rig.kernels, **catalog().model("facebook/dinov2-large"), {}, 8);
  EXPECT_NEAR(e->operations.value(), 1.0e12, 0.1e12);
}

TEST(Vision, a_language_model_takes_in_no_images_by_itself) {
  const Rig rig("rtx_pro_6000d_server_8", 1, kLlama);
  EXPECT_FALSE(image_batch(rig.kernels, *rig.model, {}, 8));
}

TEST(Vision, a_tower_takes_time_and_a_model_without_one_none) {
  const Rig rig("dgx_h100_8", 8, kLlama);
  EXPECT_EQ(tower_time(rig.kernels, *rig.model, {}, 1, 4), Seconds(0));
  const Model& scout = **catalog().model("llama4-scout");
  EXPECT_GT(tower_time(rig.kernels, scout, {}, 1, 4), Seconds(1e-4));
}

}  // namespace
}  // namespace fivefold
