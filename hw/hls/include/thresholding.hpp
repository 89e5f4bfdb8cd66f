// SPDX-License-Identifier: Apache-2.0
// Thresholds, as FINN's Thresholding: sums -> codes by binary search among the ascending steps of
// each channel.
//
//   y = low + number of steps T with acc >= T
//
// in: PIXELS x NumChannels sums, out: PIXELS x NumChannels codes, PE a beat. steps: set, group of
// channels, lane, level.
// II = 1: PIXELS * NumChannels / PE cycles a frame.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int NumChannels, int PE, int ACCU_WIDTH, bool ACCU_SIGNED, int OUT_WIDTH, bool OUT_SIGNED,
          int SETS, int PIXELS>
void thresholding_set(
    Stream<PE, ACCU_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
    const Constant<ACCU_WIDTH, ACCU_SIGNED>
        steps[SETS * (NumChannels / PE)][PE][(1 << OUT_WIDTH) - 1], int set) {
  constexpr int GROUPS = NumChannels / PE;
#pragma HLS ARRAY_PARTITION variable = steps complete dim = 2
#pragma HLS ARRAY_PARTITION variable = steps complete dim = 3
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  groups:
    for (int group = 0; group < GROUPS; group++) {
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<PE, ACCU_WIDTH> x = s_axis.read();
      const int word = set * GROUPS + group;
      Beat<PE, OUT_WIDTH> y = 0;
      for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
        const Code<ACCU_WIDTH, ACCU_SIGNED> acc = lane<ACCU_WIDTH, ACCU_SIGNED>(x, p);
        ap_uint<OUT_WIDTH> passed = 0;  // steps at or below acc
        for (int stage = OUT_WIDTH - 1; stage >= 0; stage--) {
#pragma HLS UNROLL
          const ap_uint<OUT_WIDTH + 1> tried = passed + (ap_uint<OUT_WIDTH + 1>(1) << stage);
          const Code<ACCU_WIDTH, ACCU_SIGNED> step = steps[word][p][int(tried) - 1];
          if (acc >= step) passed = tried;
        }
        put_lane<OUT_WIDTH>(y, p, passed + Range<OUT_WIDTH, OUT_SIGNED>::low);
      }
      m_axis.write(y);
    }
  }
}

// One set of steps.
template <int NumChannels, int PE, int ACCU_WIDTH, bool ACCU_SIGNED, int OUT_WIDTH, bool OUT_SIGNED,
          int SETS, int PIXELS>
void thresholding(
    Stream<PE, ACCU_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
    const Constant<ACCU_WIDTH, ACCU_SIGNED>
        steps[SETS * (NumChannels / PE)][PE][(1 << OUT_WIDTH) - 1]) {
  thresholding_set<NumChannels, PE, ACCU_WIDTH, ACCU_SIGNED, OUT_WIDTH, OUT_SIGNED, SETS, PIXELS>(
      s_axis, m_axis, steps, 0);
}

// Several sets, of which each frame names its own.
template <int NumChannels, int PE, int ACCU_WIDTH, bool ACCU_SIGNED, int OUT_WIDTH, bool OUT_SIGNED,
          int SETS, int PIXELS>
void thresholding(
    LayerStream<SETS>& s_axis_layer, Stream<PE, ACCU_WIDTH>& s_axis, Stream<PE, OUT_WIDTH>& m_axis,
    const Constant<ACCU_WIDTH, ACCU_SIGNED>
        steps[SETS * (NumChannels / PE)][PE][(1 << OUT_WIDTH) - 1]) {
  const int set = s_axis_layer.read();
  thresholding_set<NumChannels, PE, ACCU_WIDTH, ACCU_SIGNED, OUT_WIDTH, OUT_SIGNED, SETS, PIXELS>(
      s_axis, m_axis, steps, set);
}

}  // namespace samfabric
