// SPDX-License-Identifier: Apache-2.0
// What the testbenches of accelerators share: streams filled from files, and streams compared with
// them. A file holds the bytes of a stream's beats, frame after frame, little end first.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "axis.hpp"

namespace testbench {

// The file's bytes; a file that is not there has none, and then every beat differs.
inline std::vector<unsigned char> bytes_of(const std::string& path) {
  std::vector<unsigned char> bytes;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    std::printf("FAILED: %s cannot be read\n", path.c_str());
    return bytes;
  }
  for (int next = std::fgetc(file); next != EOF; next = std::fgetc(file)) {
    bytes.push_back((unsigned char)next);
  }
  std::fclose(file);
  return bytes;
}

template <int WIDTH>
ap_uint<WIDTH> beat_at(const std::vector<unsigned char>& bytes, unsigned long beat) {
  ap_uint<WIDTH> data = 0;
  for (int k = 0; k < WIDTH / 8; k++) {
    data.range(8 * k + 7, 8 * k) = bytes[beat * (WIDTH / 8) + k];
  }
  return data;
}

template <int WIDTH>
void write(hls::stream<ap_uint<WIDTH>>& stream, const ap_uint<WIDTH>& data, bool) {
  stream.write(data);
}
template <int WIDTH>
void write(hls::stream<samfabric::AxisBeat<WIDTH>>& stream, const ap_uint<WIDTH>& data, bool last) {
  samfabric::AxisBeat<WIDTH> beat;
  beat.data = data;
  beat.keep = -1;
  beat.strb = -1;
  beat.last = last;
  stream.write(beat);
}

// All frames of a file. frames: how many it holds.
template <int WIDTH, typename BEAT>
void fill(const std::string& folder, const char* name, int frames, hls::stream<BEAT>& stream) {
  const std::vector<unsigned char> bytes = bytes_of(folder + name + ".bin");
  const unsigned long beats = bytes.size() / (WIDTH / 8);
  for (unsigned long beat = 0; beat < beats; beat++) {
    write<WIDTH>(stream, beat_at<WIDTH>(bytes, beat), (beat + 1) % (beats / frames) == 0);
  }
}

// Differences from a file: beats, tlast, and how many there are. Prints a line.
template <int WIDTH>
int compare(const std::string& folder, const char* name, int frames,
            hls::stream<samfabric::AxisBeat<WIDTH>>& stream) {
  const std::vector<unsigned char> bytes = bytes_of(folder + name + ".bin");
  const unsigned long beats = bytes.size() / (WIDTH / 8);
  int wrong = bytes.empty();
  unsigned long found = 0;
  for (; !stream.empty(); found++) {
    const samfabric::AxisBeat<WIDTH> beat = stream.read();
    if (found >= beats) continue;
    const bool last = (found + 1) % (beats / frames) == 0;
    if (beat.data != beat_at<WIDTH>(bytes, found) || (beat.last != 0) != last) wrong++;
  }
  std::printf("%s: %lu beats, %d of them differ, %lu were expected\n", name, found, wrong, beats);
  return wrong + (found != beats);
}

// Beats that the function left unread. Prints a line where there are some.
template <typename BEAT>
int left(const char* name, hls::stream<BEAT>& stream) {
  int beats = 0;
  for (; !stream.empty(); beats++) stream.read();
  if (beats) std::printf("%s: %d beats were not read\n", name, beats);
  return beats;
}

}  // namespace testbench
