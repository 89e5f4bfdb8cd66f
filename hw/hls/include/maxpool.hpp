// SPDX-License-Identifier: Apache-2.0
// Greatest code of each k x k square, as FINN's StreamingMaxPool; what is left over is dropped.
//
// in: (H, W, C), out: (H / k, W / k, C), SIMD channels a beat. II = 1: a cycle a beat of the input.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int IFM_H, int IFM_W, int NumChannels, int SIMD, int KERNEL, int ELEM_WIDTH, bool SIGNED>
void maxpool(Stream<SIMD, ELEM_WIDTH>& s_axis, Stream<SIMD, ELEM_WIDTH>& m_axis) {
  constexpr int FOLD = NumChannels / SIMD;
  constexpr int OFM_H = IFM_H / KERNEL;
  constexpr int OFM_W = IFM_W / KERNEL;
  Beat<SIMD, ELEM_WIDTH> highest[OFM_W * FOLD];
#pragma HLS DEPENDENCE variable = highest inter true
lines:
  for (int y = 0; y < IFM_H; y++) {
  pixels:
    for (int x = 0; x < IFM_W; x++) {
    folds:
      for (int f = 0; f < FOLD; f++) {
#pragma HLS PIPELINE II = 1 style = flp
        const Beat<SIMD, ELEM_WIDTH> beat = s_axis.read();
        const bool inside = y < OFM_H * KERNEL && x < OFM_W * KERNEL;
        if (inside) {
          const int at = x / KERNEL * FOLD + f;
          const bool first = y % KERNEL == 0 && x % KERNEL == 0;
          const Beat<SIMD, ELEM_WIDTH> before = first ? beat : highest[at];
          Beat<SIMD, ELEM_WIDTH> now = 0;
          for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
            const Code<ELEM_WIDTH, SIGNED> a = lane<ELEM_WIDTH, SIGNED>(beat, i);
            const Code<ELEM_WIDTH, SIGNED> b = lane<ELEM_WIDTH, SIGNED>(before, i);
            put_lane<ELEM_WIDTH>(now, i, a > b ? a : b);
          }
          highest[at] = now;
          if (y % KERNEL == KERNEL - 1 && x % KERNEL == KERNEL - 1) m_axis.write(now);
        }
      }
    }
  }
}

}  // namespace samfabric
