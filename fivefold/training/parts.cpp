#include "fivefold/training/parts.h"

namespace fivefold {

std::array<StepPart, 12> step_parts(const TrainingEstimate& e) {
  return {{{"forward", e.forward},
           {"backward", e.backward},
           {"recompute", e.recompute},
           {"tp exposed", e.tp_exposed},
           {"cp exposed", e.cp_exposed},
           {"ep exposed", e.ep_exposed},
           {"pp exposed", e.pp_exposed},
           {"bubble", e.bubble},
           {"dp exposed", e.dp_exposed},
           {"optimizer", e.optimizer},
           {"host", e.host},
           {"straggling", e.straggling}}};
}

std::array<MemoryPart, 6> memory_parts(const TrainingMemory& m) {
  return {{{"weights", m.weights},
           {"gradients", m.gradients},
           {"optimizer state", m.optimizer},
           {"activations", m.activations},
           {"loss", m.loss},
           {"buffers", m.buffers + m.fragmentation}}};
}

}  // namespace fivefold
