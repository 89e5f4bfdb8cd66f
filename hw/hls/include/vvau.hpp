// SPDX-License-Identifier: Apache-2.0
// Vector-vector-activation unit without its activation, as FINN's VVAU: depthwise convolution of the
// windows that a sliding window unit gives.
//
//   y[p][c] = sum over t of weights[set][c][t] * x[p][c][t]
//
// in:  x, PIXELS x (NumChannels / PE) x (TAPS / SIMD) beats of SIMD x PE codes, PE the fastest.
// out: y, PIXELS x NumChannels sums, PE a beat.
// weights: set, group of channels, step of taps, then taps and channels of a word.
// II = 1: PIXELS * (NumChannels / PE) * (TAPS / SIMD) cycles a frame.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int NumChannels, int TAPS, int PE, int SIMD, int ACTIVATION_WIDTH,
          bool SIGNED_ACTIVATIONS, int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int PIXELS,
          typename WEIGHT>
void vvau_set(Stream<PE * SIMD, ACTIVATION_WIDTH>& s_axis, Stream<PE, ACCU_WIDTH>& m_axis,
              const WEIGHT weights[SETS * (NumChannels / PE) * (TAPS / SIMD)][SIMD][PE], int set) {
  constexpr int GROUPS = NumChannels / PE;
  constexpr int STEPS = TAPS / SIMD;
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 2
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 3
  ap_int<ACCU_WIDTH> sums[PE];
#pragma HLS ARRAY_PARTITION variable = sums complete
pixels:
  for (int pixel = 0; pixel < PIXELS; pixel++) {
  groups:
    for (int group = 0; group < GROUPS; group++) {
    steps:
      for (int step = 0; step < STEPS; step++) {
#pragma HLS PIPELINE II = 1 style = flp
        const Beat<PE * SIMD, ACTIVATION_WIDTH> x = s_axis.read();
        const int word = (set * GROUPS + group) * STEPS + step;
        Beat<PE, ACCU_WIDTH> y = 0;
        for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
          ap_int<ACCU_WIDTH> sum = step == 0 ? ap_int<ACCU_WIDTH>(0) : sums[p];
          for (int t = 0; t < SIMD; t++) {
#pragma HLS UNROLL
            const Code<ACTIVATION_WIDTH, SIGNED_ACTIVATIONS> a =
                lane<ACTIVATION_WIDTH, SIGNED_ACTIVATIONS>(x, t * PE + p);
            const ap_int<WEIGHT_WIDTH> w = weights[word][t][p];
            sum += a * w;
          }
          sums[p] = sum;
          put_lane<ACCU_WIDTH>(y, p, sum);
        }
        if (step == STEPS - 1) m_axis.write(y);
      }
    }
  }
}

// One set of weights.
template <int NumChannels, int TAPS, int PE, int SIMD, int ACTIVATION_WIDTH,
          bool SIGNED_ACTIVATIONS, int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int PIXELS>
void vvau(
    Stream<PE * SIMD, ACTIVATION_WIDTH>& s_axis, Stream<PE, ACCU_WIDTH>& m_axis,
    const Constant<WEIGHT_WIDTH, true>
        weights[SETS * (NumChannels / PE) * (TAPS / SIMD)][SIMD][PE]) {
  vvau_set<NumChannels, TAPS, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH,
           ACCU_WIDTH, SETS, PIXELS>(s_axis, m_axis, weights, 0);
}

// Several sets, of which each frame names its own.
template <int NumChannels, int TAPS, int PE, int SIMD, int ACTIVATION_WIDTH,
          bool SIGNED_ACTIVATIONS, int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int PIXELS>
void vvau(
    Stream<PE * SIMD, ACTIVATION_WIDTH>& s_axis, LayerStream<SETS>& s_axis_layer,
    Stream<PE, ACCU_WIDTH>& m_axis,
    const Constant<WEIGHT_WIDTH, true>
        weights[SETS * (NumChannels / PE) * (TAPS / SIMD)][SIMD][PE]) {
  const int set = s_axis_layer.read();
  vvau_set<NumChannels, TAPS, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH,
           ACCU_WIDTH, SETS, PIXELS>(s_axis, m_axis, weights, set);
}

// Bits of a word of weights that is loaded: channels in pairs where PACK is 2 (the high weight, less
// one where the low one is negative, above the low one), and a mark at a channel's last taps.
template <int TAPS, int PE, int SIMD, int WEIGHT_WIDTH, int PACK>
constexpr int vvau_word() {
  return (PACK == 2 ? PE * SIMD / 2 * (2 * WEIGHT_WIDTH + 1) : PE * SIMD * WEIGHT_WIDTH) +
         (TAPS / SIMD > 1 ? 1 : 0);
}

// Weights that come once, before the first frame, into UltraRAM: offset in the set, then set, of which
// there is room for a power of two.
template <int NumChannels, int TAPS, int PE, int SIMD, int WEIGHT_WIDTH, int SETS, int PACK>
void vvau_load(Stream<vvau_word<TAPS, PE, SIMD, WEIGHT_WIDTH, PACK>(), 1>& s_axis_weights,
               ap_int<WEIGHT_WIDTH> weights[SETS * (NumChannels / PE) * (TAPS / SIMD)][SIMD][PE]) {
  constexpr int WORDS = (NumChannels / PE) * (TAPS / SIMD);
  constexpr int ROOM = 1 << bits_of(SETS - 1);
  constexpr int PAIR = 2 * WEIGHT_WIDTH + 1;
words:
  for (int offset = 0; offset < WORDS; offset++) {
  sets:
    for (int set = 0; set < ROOM; set++) {
#pragma HLS PIPELINE II = 1 style = flp
      const Beat<vvau_word<TAPS, PE, SIMD, WEIGHT_WIDTH, PACK>(), 1> beat = s_axis_weights.read();
      if (set < SETS) {
        for (int t = 0; t < SIMD; t++) {
#pragma HLS UNROLL
          for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
            const int i = t * PE + p;
            ap_int<WEIGHT_WIDTH> weight;
            if (PACK == 2) {
              const int base = i / 2 * PAIR;
              const ap_uint<WEIGHT_WIDTH> low = beat.range(base + WEIGHT_WIDTH - 1, base);
              const ap_uint<WEIGHT_WIDTH> high =
                  beat.range(base + 2 * WEIGHT_WIDTH - 1, base + WEIGHT_WIDTH);
              weight = i % 2 == 0 ? low : ap_uint<WEIGHT_WIDTH>(high + low[WEIGHT_WIDTH - 1]);
            } else {
              weight = lane<WEIGHT_WIDTH, true>(beat, i);
            }
            weights[set * WORDS + offset][t][p] = weight;
          }
        }
      }
    }
  }
}

// INSTANCE tells instances of equal parameters apart: each has its own memory.
template <int NumChannels, int TAPS, int PE, int SIMD, int ACTIVATION_WIDTH,
          bool SIGNED_ACTIVATIONS, int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int PIXELS,
          int PACK, int INSTANCE>
void vvau_loaded_set(Stream<PE * SIMD, ACTIVATION_WIDTH>& s_axis,
                     Stream<vvau_word<TAPS, PE, SIMD, WEIGHT_WIDTH, PACK>(), 1>& s_axis_weights,
                     Stream<PE, ACCU_WIDTH>& m_axis, int set) {
  static ap_int<WEIGHT_WIDTH> weights[SETS * (NumChannels / PE) * (TAPS / SIMD)][SIMD][PE];
#pragma HLS BIND_STORAGE variable = weights type = ram_2p impl = uram
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 2
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 3
  static bool loaded = false;
#pragma HLS RESET variable = loaded
  if (!loaded) {
    vvau_load<NumChannels, TAPS, PE, SIMD, WEIGHT_WIDTH, SETS, PACK>(s_axis_weights, weights);
    loaded = true;
  }
  vvau_set<NumChannels, TAPS, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH,
           ACCU_WIDTH, SETS, PIXELS>(s_axis, m_axis, weights, set);
}

template <int NumChannels, int TAPS, int PE, int SIMD, int ACTIVATION_WIDTH,
          bool SIGNED_ACTIVATIONS, int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int PIXELS,
          int PACK, int INSTANCE>
void vvau_loaded(Stream<PE * SIMD, ACTIVATION_WIDTH>& s_axis,
                 Stream<vvau_word<TAPS, PE, SIMD, WEIGHT_WIDTH, PACK>(), 1>& s_axis_weights,
                 Stream<PE, ACCU_WIDTH>& m_axis) {
  vvau_loaded_set<NumChannels, TAPS, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH,
                  ACCU_WIDTH, SETS, PIXELS, PACK, INSTANCE>(s_axis, s_axis_weights, m_axis, 0);
}

template <int NumChannels, int TAPS, int PE, int SIMD, int ACTIVATION_WIDTH,
          bool SIGNED_ACTIVATIONS, int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int PIXELS,
          int PACK, int INSTANCE>
void vvau_loaded(Stream<PE * SIMD, ACTIVATION_WIDTH>& s_axis, LayerStream<SETS>& s_axis_layer,
                 Stream<vvau_word<TAPS, PE, SIMD, WEIGHT_WIDTH, PACK>(), 1>& s_axis_weights,
                 Stream<PE, ACCU_WIDTH>& m_axis) {
  const int set = s_axis_layer.read();
  vvau_loaded_set<NumChannels, TAPS, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH,
                  ACCU_WIDTH, SETS, PIXELS, PACK, INSTANCE>(s_axis, s_axis_weights, m_axis, set);
}

}  // namespace samfabric
