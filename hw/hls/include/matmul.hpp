// SPDX-License-Identifier: Apache-2.0
// Product of two matrices of activations as they stream in: B is kept, A passes by.
//
//   TRANSPOSED: B comes as (L, DIM), A as (rows, DIM);   C[r][l] = sum over d of A[r][d] B[l][d]
//   else:       B comes as (L, DIM), A as (rows, L);     C[r][d] = sum over l of A[r][l] B[l][d]
//
// Beats: B and A's terms SIMD wide where TRANSPOSED; else B is PE wide, A SIMD. C: PE a beat.
// L is LENGTH, or in RAGGED the beat that s_axis_length brings for each frame.
// II = 1: L * DIM / width of a beat of B cycles to load, ROWS * L * DIM / (PE * SIMD) to multiply.
// Loading and multiplying are two processes: B's buffer between them is doubled by DATAFLOW, so that
// the next frame loads meanwhile.
#pragma once

#include "stream.hpp"

namespace samfabric {

template <bool TRANSPOSED, int LENGTH, int DIM, int PE, int SIMD>
struct MatmulShape {
  static constexpr int LANES = TRANSPOSED ? PE : SIMD;    // rows of B side by side
  static constexpr int WIDE = TRANSPOSED ? SIMD : PE;     // codes of a beat of B
  static constexpr int INNER = DIM / WIDE;                // beats of a row of B
  static constexpr int GROUPS = ceil_div(LENGTH, LANES);  // groups of LANES rows
};

template <bool TRANSPOSED, int LENGTH, int DIM, int PE, int SIMD, int B_WIDTH>
void matmul_load(
    Stream<(TRANSPOSED ? SIMD : PE), B_WIDTH>& s_axis_b,
    ap_int<B_WIDTH> buffer[MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::GROUPS *
                           MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::INNER]
                          [MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::LANES]
                          [MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::WIDE],
    int length) {
  using S = MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>;
  const int groups = length / S::LANES;
groups:
  for (int group = 0; group < groups; group++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = S::GROUPS
  rows:
    for (int row = 0; row < S::LANES; row++) {
    beats:
      for (int beat = 0; beat < S::INNER; beat++) {
#pragma HLS PIPELINE II = 1 style = flp
        const Beat<S::WIDE, B_WIDTH> word = s_axis_b.read();
        for (int i = 0; i < S::WIDE; i++) {
#pragma HLS UNROLL
          buffer[group * S::INNER + beat][row][i] = lane<B_WIDTH, true>(word, i);
        }
      }
    }
  }
}

template <bool TRANSPOSED, int LENGTH, int DIM, int PE, int SIMD, int A_WIDTH, bool A_SIGNED,
          int B_WIDTH, int ACCU_WIDTH, int ROWS>
void matmul_multiply(
    Stream<SIMD, A_WIDTH>& s_axis_a, Stream<PE, ACCU_WIDTH>& m_axis,
    const ap_int<B_WIDTH> buffer[MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::GROUPS *
                                 MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::INNER]
                                [MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::LANES]
                                [MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>::WIDE],
    int length) {
  using S = MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>;
  constexpr int STEPS = TRANSPOSED ? S::INNER : S::GROUPS;  // at most, of a sum
  const int groups = length / S::LANES;
  const int passes = TRANSPOSED ? groups : S::INNER;
  const int steps = TRANSPOSED ? S::INNER : groups;
  Beat<SIMD, A_WIDTH> kept[STEPS];
  ap_int<ACCU_WIDTH> sums[PE];
#pragma HLS ARRAY_PARTITION variable = sums complete
rows:
  for (int row = 0; row < ROWS; row++) {
  passes:
    for (int pass = 0; pass < passes; pass++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = TRANSPOSED ? S::GROUPS : S::INNER
    steps:
      for (int step = 0; step < steps; step++) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = STEPS
#pragma HLS PIPELINE II = 1 style = flp
        Beat<SIMD, A_WIDTH> x;
        if (pass == 0) {
          x = s_axis_a.read();
          kept[step] = x;
        } else {
          x = kept[step];
        }
        const int word = TRANSPOSED ? pass * S::INNER + step : step * S::INNER + pass;
        Beat<PE, ACCU_WIDTH> y = 0;
        for (int p = 0; p < PE; p++) {
#pragma HLS UNROLL
          ap_int<ACCU_WIDTH> sum = step == 0 ? ap_int<ACCU_WIDTH>(0) : sums[p];
          for (int i = 0; i < SIMD; i++) {
#pragma HLS UNROLL
            const Code<A_WIDTH, A_SIGNED> a = lane<A_WIDTH, A_SIGNED>(x, i);
            const ap_int<B_WIDTH> b = TRANSPOSED ? buffer[word][p][i] : buffer[word][i][p];
            sum += a * b;
          }
          sums[p] = sum;
          put_lane<ACCU_WIDTH>(y, p, sum);
        }
        if (step == steps - 1) m_axis.write(y);
      }
    }
  }
}

// B's rows in a frame are `length`, a multiple of the rows side by side.
template <bool TRANSPOSED, int LENGTH, int DIM, int PE, int SIMD, int A_WIDTH, bool A_SIGNED,
          int B_WIDTH, int ACCU_WIDTH, int ROWS>
void matmul_frame(int length, Stream<(TRANSPOSED ? SIMD : PE), B_WIDTH>& s_axis_b,
                  Stream<SIMD, A_WIDTH>& s_axis_a, Stream<PE, ACCU_WIDTH>& m_axis) {
#pragma HLS DATAFLOW
  using S = MatmulShape<TRANSPOSED, LENGTH, DIM, PE, SIMD>;
  ap_int<B_WIDTH> buffer[S::GROUPS * S::INNER][S::LANES][S::WIDE];
#pragma HLS ARRAY_PARTITION variable = buffer complete dim = 2
#pragma HLS ARRAY_PARTITION variable = buffer complete dim = 3
#pragma HLS BIND_STORAGE variable = buffer type = ram_2p
  matmul_load<TRANSPOSED, LENGTH, DIM, PE, SIMD, B_WIDTH>(s_axis_b, buffer, length);
  matmul_multiply<TRANSPOSED, LENGTH, DIM, PE, SIMD, A_WIDTH, A_SIGNED, B_WIDTH, ACCU_WIDTH, ROWS>(
      s_axis_a, m_axis, buffer, length);
}

template <bool TRANSPOSED, int LENGTH, int DIM, int PE, int SIMD, int A_WIDTH, bool A_SIGNED,
          int B_WIDTH, int ACCU_WIDTH, int ROWS>
void matmul(Stream<(TRANSPOSED ? SIMD : PE), B_WIDTH>& s_axis_b, Stream<SIMD, A_WIDTH>& s_axis_a,
            Stream<PE, ACCU_WIDTH>& m_axis) {
  matmul_frame<TRANSPOSED, LENGTH, DIM, PE, SIMD, A_WIDTH, A_SIGNED, B_WIDTH, ACCU_WIDTH, ROWS>(
      LENGTH, s_axis_b, s_axis_a, m_axis);
}

// RAGGED.
template <bool TRANSPOSED, int LENGTH, int DIM, int PE, int SIMD, int A_WIDTH, bool A_SIGNED,
          int B_WIDTH, int ACCU_WIDTH, int ROWS>
void matmul(Stream<1, bits_of(LENGTH)>& s_axis_length,
            Stream<(TRANSPOSED ? SIMD : PE), B_WIDTH>& s_axis_b, Stream<SIMD, A_WIDTH>& s_axis_a,
            Stream<PE, ACCU_WIDTH>& m_axis) {
  const int length = s_axis_length.read();
  matmul_frame<TRANSPOSED, LENGTH, DIM, PE, SIMD, A_WIDTH, A_SIGNED, B_WIDTH, ACCU_WIDTH, ROWS>(
      length, s_axis_b, s_axis_a, m_axis);
}

}  // namespace samfabric
