// SPDX-License-Identifier: Apache-2.0
// Matrix-vector-activation unit without its activation, as FINN's MVAU: a stream of vectors times a
// matrix of constants.
//
//   y[v][o] = sum over i of weights[set][o][i] * x[v][i]
//
// in:  x, VECTORS x MW codes, SIMD a beat.    out: y, VECTORS x MH sums, PE a beat.
// weights: set, pass (MH / PE), beat (MW / SIMD), then rows and columns of a word.
// II = 1: VECTORS * (MW / SIMD) * (MH / PE) cycles a frame. A vector is read in the first pass and
// kept for the others.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <int MW, int MH, int PE, int SIMD, int ACTIVATION_WIDTH, bool SIGNED_ACTIVATIONS,
          int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int VECTORS, typename WEIGHT>
void mvau_set(Stream<SIMD, ACTIVATION_WIDTH>& s_axis, Stream<PE, ACCU_WIDTH>& m_axis,
              const WEIGHT weights[SETS * (MW / SIMD) * (MH / PE)][PE][SIMD], int set) {
  constexpr int BEATS = MW / SIMD;
  constexpr int PASSES = MH / PE;
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 2
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 3
  Beat<SIMD, ACTIVATION_WIDTH> kept[BEATS];
  ap_int<ACCU_WIDTH> sums[PE];
#pragma HLS ARRAY_PARTITION variable = sums complete
vectors:
  for (int v = 0; v < VECTORS; v++) {
  passes:
    for (int pass = 0; pass < PASSES; pass++) {
    beats:
      for (int beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
        Beat<SIMD, ACTIVATION_WIDTH> x;
        if (pass == 0) {
          x = s_axis.read();
          kept[beat] = x;
        } else {
          x = kept[beat];
        }
        const int word = (set * PASSES + pass) * BEATS + beat;
        Beat<PE, ACCU_WIDTH> y = 0;
        for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
          ap_int<ACCU_WIDTH> sum = beat == 0 ? ap_int<ACCU_WIDTH>(0) : sums[p];
          for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
            const Code<ACTIVATION_WIDTH, SIGNED_ACTIVATIONS> a =
                lane<ACTIVATION_WIDTH, SIGNED_ACTIVATIONS>(x, i);
            const ap_int<WEIGHT_WIDTH> w = weights[word][p][i];
            sum += a * w;
          }
          sums[p] = sum;
          put_lane<ACCU_WIDTH>(y, p, sum);
        }
        if (beat == BEATS - 1) m_axis.write(y);
      }
    }
  }
}

// One set of weights.
template <int MW, int MH, int PE, int SIMD, int ACTIVATION_WIDTH, bool SIGNED_ACTIVATIONS,
          int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int VECTORS>
void mvau(Stream<SIMD, ACTIVATION_WIDTH>& s_axis, Stream<PE, ACCU_WIDTH>& m_axis,
          const Constant<WEIGHT_WIDTH, true> weights[SETS * (MW / SIMD) * (MH / PE)][PE][SIMD]) {
  mvau_set<MW, MH, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH, ACCU_WIDTH, SETS,
           VECTORS>(s_axis, m_axis, weights, 0);
}

// Several sets, of which each frame names its own.
template <int MW, int MH, int PE, int SIMD, int ACTIVATION_WIDTH, bool SIGNED_ACTIVATIONS,
          int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int VECTORS>
void mvau(Stream<SIMD, ACTIVATION_WIDTH>& s_axis, LayerStream<SETS>& s_axis_layer,
          Stream<PE, ACCU_WIDTH>& m_axis,
          const Constant<WEIGHT_WIDTH, true> weights[SETS * (MW / SIMD) * (MH / PE)][PE][SIMD]) {
  const int set = s_axis_layer.read();
  mvau_set<MW, MH, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH, ACCU_WIDTH, SETS,
           VECTORS>(s_axis, m_axis, weights, set);
}

// Weights that come once, before the first frame, into memory that no bitstream can fill (UltraRAM):
// a word a beat, rows before columns. Of ENCODED rows each but the first is less by one where the one
// before is negative: what the SystemVerilog kernel's packed multipliers ask for.
template <int MW, int MH, int PE, int SIMD, int WEIGHT_WIDTH, int SETS, int ENCODED>
void mvau_load(Stream<PE * SIMD, WEIGHT_WIDTH>& s_axis_weights,
               ap_int<WEIGHT_WIDTH> weights[SETS * (MW / SIMD) * (MH / PE)][PE][SIMD]) {
words:
  for (int word = 0; word < SETS * (MW / SIMD) * (MH / PE); word++) {
#pragma HLS PIPELINE II = 1 style = flp
    const Beat<PE * SIMD, WEIGHT_WIDTH> beat = s_axis_weights.read();
    for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
      for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
        ap_int<WEIGHT_WIDTH> weight = lane<WEIGHT_WIDTH, true>(beat, p * SIMD + i);
        if (p % ENCODED != 0 && lane<WEIGHT_WIDTH, true>(beat, (p - 1) * SIMD + i) < 0) weight += 1;
        weights[word][p][i] = weight;
      }
    }
  }
}

// INSTANCE tells instances of equal parameters apart: each has its own memory.
template <int MW, int MH, int PE, int SIMD, int ACTIVATION_WIDTH, bool SIGNED_ACTIVATIONS,
          int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int VECTORS, int ENCODED, int INSTANCE>
void mvau_loaded_set(Stream<SIMD, ACTIVATION_WIDTH>& s_axis,
                     Stream<PE * SIMD, WEIGHT_WIDTH>& s_axis_weights,
                     Stream<PE, ACCU_WIDTH>& m_axis, int set) {
  static ap_int<WEIGHT_WIDTH> weights[SETS * (MW / SIMD) * (MH / PE)][PE][SIMD];
#pragma HLS BIND_STORAGE variable = weights type = ram_2p impl = uram
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 2
#pragma HLS ARRAY_PARTITION variable = weights complete dim = 3
  static bool loaded = false;
#pragma HLS RESET variable = loaded
  if (!loaded) {
    mvau_load<MW, MH, PE, SIMD, WEIGHT_WIDTH, SETS, ENCODED>(s_axis_weights, weights);
    loaded = true;
  }
  mvau_set<MW, MH, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH, ACCU_WIDTH, SETS,
           VECTORS>(s_axis, m_axis, weights, set);
}

template <int MW, int MH, int PE, int SIMD, int ACTIVATION_WIDTH, bool SIGNED_ACTIVATIONS,
          int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int VECTORS, int ENCODED, int INSTANCE>
void mvau_loaded(Stream<SIMD, ACTIVATION_WIDTH>& s_axis,
                 Stream<PE * SIMD, WEIGHT_WIDTH>& s_axis_weights, Stream<PE, ACCU_WIDTH>& m_axis) {
  mvau_loaded_set<MW, MH, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH, ACCU_WIDTH,
                  SETS, VECTORS, ENCODED, INSTANCE>(s_axis, s_axis_weights, m_axis, 0);
}

template <int MW, int MH, int PE, int SIMD, int ACTIVATION_WIDTH, bool SIGNED_ACTIVATIONS,
          int WEIGHT_WIDTH, int ACCU_WIDTH, int SETS, int VECTORS, int ENCODED, int INSTANCE>
void mvau_loaded(Stream<SIMD, ACTIVATION_WIDTH>& s_axis, LayerStream<SETS>& s_axis_layer,
                 Stream<PE * SIMD, WEIGHT_WIDTH>& s_axis_weights, Stream<PE, ACCU_WIDTH>& m_axis) {
  const int set = s_axis_layer.read();
  mvau_loaded_set<MW, MH, PE, SIMD, ACTIVATION_WIDTH, SIGNED_ACTIVATIONS, WEIGHT_WIDTH, ACCU_WIDTH,
                  SETS, VECTORS, ENCODED, INSTANCE>(s_axis, s_axis_weights, m_axis, set);
}

}  // namespace samfabric
