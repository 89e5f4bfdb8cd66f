// SPDX-License-Identifier: Apache-2.0
// Streams from and to the .npy files of FINN's C++ simulation: float32, the lanes of a beat the last
// axis. FINN's own npy2apintstream.hpp needs flatten.hpp, which is a file of finn-hlslib.
#pragma once

#include <string>
#include <vector>

#include "cnpy.h"
#include "stream.hpp"

namespace samfabric {

template <int LANES, int BITS, bool SIGNED>
void npy_to_stream(const std::string& path, hls::stream<ap_uint<LANES * BITS>>& stream) {
  const cnpy::NpyArray array = cnpy::npy_load(path);
  const float* codes = array.data<float>();
  for (size_t beat = 0; beat < array.num_vals() / LANES; beat++) {
    ap_uint<LANES * BITS> word = 0;
    for (int i = 0; i < LANES; i++) {
      put_lane<BITS>(word, i, Code<BITS, SIGNED>((int)codes[beat * LANES + i]));
    }
    stream.write(word);
  }
}

// Takes what the stream holds; `shape` is that of the file when all beats came.
template <int LANES, int BITS, bool SIGNED>
void stream_to_npy(hls::stream<ap_uint<LANES * BITS>>& stream, const std::vector<size_t>& shape,
                   const std::string& path) {
  std::vector<float> codes;
  while (!stream.empty()) {
    const ap_uint<LANES * BITS> word = stream.read();
    for (int i = 0; i < LANES; i++) codes.push_back((float)(int)lane<BITS, SIGNED>(word, i));
  }
  size_t wanted = 1;
  for (size_t n : shape) wanted *= n;
  if (codes.size() == wanted) {
    cnpy::npy_save(path, codes.data(), shape);
  } else {
    cnpy::npy_save(path, codes.data(), {codes.size()});
  }
}

}  // namespace samfabric
