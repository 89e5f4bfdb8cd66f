// SPDX-License-Identifier: Apache-2.0
// Zeros around a map, as FINN's FMPadding.
//
// in: (H, W, C), out: (PAD_TOP + H + PAD_BOTTOM, PAD_LEFT + W + PAD_RIGHT, C), SIMD channels a beat.
// II = 1: a cycle a beat of the output.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int IFM_H, int IFM_W, int NumChannels, int SIMD, int ELEM_WIDTH, int PAD_TOP,
          int PAD_BOTTOM, int PAD_LEFT, int PAD_RIGHT>
void fmpadding(Stream<SIMD, ELEM_WIDTH>& s_axis, Stream<SIMD, ELEM_WIDTH>& m_axis) {
lines:
  for (int y = 0; y < PAD_TOP + IFM_H + PAD_BOTTOM; y++) {
  pixels:
    for (int x = 0; x < PAD_LEFT + IFM_W + PAD_RIGHT; x++) {
    folds:
      for (int f = 0; f < NumChannels / SIMD; f++) {
#pragma HLS PIPELINE II = 1 style = flp
        const bool inside =
            y >= PAD_TOP && y < PAD_TOP + IFM_H && x >= PAD_LEFT && x < PAD_LEFT + IFM_W;
        Beat<SIMD, ELEM_WIDTH> beat = 0;
        if (inside) beat = s_axis.read();
        m_axis.write(beat);
      }
    }
  }
}

}  // namespace samfabric
