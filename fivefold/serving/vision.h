// Images: encoders and detectors served in batches, and the tower before a language model.
#pragma once

#include "fivefold/kernel/kernel.h"
#include "fivefold/workload/layer.h"

namespace fivefold {

struct ImageEstimate {
  Seconds time;  // of a batch
  double batch = 1;
  double images_per_second = 0;  // of one device
  Ops operations;                // of an image
  double utilisation = 0;        // of the peak in the format computed
  // Known by its operations alone (catalog `image: gflops`): convolutions are timed as one product
  // of 3 x 3 x 256 to 256 channels, which is an assumption.
  bool assumed_shape = false;
};

// A model of images whole on one device. Fails if it is a language model.
Result<ImageEstimate> image_batch(const KernelModel& kernels, const Model& model,
                                  const Precision& precision, double batch);
// One image through the tower of a language model, cut over tp devices; 0 without a tower.
Seconds tower_time(const KernelModel& kernels, const Model& model, const Precision& precision,
                   int tp, double images);

}  // namespace fivefold
