/*
 * The native peer of the benchmarks: OpenBLAS, and the most that 128-bit FMA can do. Reads one command a line from stdin, answers
 * with the seconds it took. Operands are made once for each shape and kept.
 *
 *   cc -O3 -march=native native.c -o native -lopenblas -lpthread
 */
#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void openblas_set_num_threads(int);
char *openblas_get_corename(void);
void spotrf_(const char *, const int *, float *, const int *, int *);
void strtri_(const char *, const char *, const int *, float *, const int *, int *);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* 24 independent 128-bit FMAs a turn: enough to hide their latency on every x86 with FMA. */
#define FMA(i) "vfmadd231ps %%xmm14, %%xmm15, %%xmm" #i "\n"
#define FMA12 FMA(0) FMA(1) FMA(2) FMA(3) FMA(4) FMA(5) FMA(6) FMA(7) FMA(8) FMA(9) FMA(10) FMA(11)
#define ZERO(i) "vxorps %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n"
static void *spin(void *turns) {
  long n = *(long *)turns;
  __asm__ volatile(
      ZERO(0) ZERO(1) ZERO(2) ZERO(3) ZERO(4) ZERO(5) ZERO(6) ZERO(7) ZERO(8) ZERO(9) ZERO(10) ZERO(11) ZERO(14) ZERO(15)
      ".p2align 5\n1:\n" FMA12 FMA12 "dec %0\njnz 1b\n"
      : "+r"(n)::"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15");
  return 0;
}

/* Seconds for `flops` operations at the peak of 128-bit registers on `threads` threads. */
static double peak(double flops, int threads) {
  pthread_t thread[64];
  long turns = 5000000;
  double start = now();
  for (int i = 1; i < threads; i++) pthread_create(&thread[i], 0, spin, &turns);
  spin(&turns);
  for (int i = 1; i < threads; i++) pthread_join(thread[i], 0);
  return (now() - start) * flops / (8.0 * 24 * turns * threads);
}

static float *operand(int slot, size_t count) {
  static float *kept[4];
  static size_t length[4];
  if (length[slot] != count) {
    free(kept[slot]);
    kept[slot] = malloc(count * sizeof(float));
    length[slot] = count;
    for (size_t i = 0; i < count; i++) kept[slot][i] = (float)((i * 2654435761u >> 8) & 0xffff) / 65536 - 0.5f;
  }
  return kept[slot];
}

/* Makes operand 0 a positive definite matrix, or its Cholesky factor. */
static float *positive(int n) {
  float *a = operand(0, (size_t)n * n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) a[(size_t)i * n + j] = i == j ? 2 : 0.5f / n * ((i * 31 + j * 31) % 64) / 64;
  return a;
}

static double gemm(int m, int n, int k) {
  float *a = operand(0, (size_t)m * k), *b = operand(1, (size_t)n * k), *c = operand(2, (size_t)m * n);
  double start = now();
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 0, c, n);
  return now() - start;
}

static double syrk(int n, int k) {
  float *x = operand(0, (size_t)k * n), *h = operand(2, (size_t)n * n);
  double start = now();
  cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, n, k, 1, x, n, 1, h, n);
  return now() - start;
}

/* Row-major lower is column-major upper. */
static double factor(int n, int potrf, int trtri) {
  float *a = positive(n);
  int info;
  double start = now();
  if (potrf) spotrf_("U", &n, a, &n, &info);
  if (!potrf) start = now();
  if (trtri) strtri_("U", "N", &n, a, &n, &info);
  return now() - start;
}

/* The GPTQ sweep as its authors block it: 4-bit rounding and rank-1 updates inside a block, sgemm for the rest. */
static double sweep(int rows, int n, int block) {
  float *w = operand(0, (size_t)n * rows), *u = operand(1, (size_t)n * n), *e = operand(2, (size_t)block * rows);
  for (int i = 0; i < n; i++) u[(size_t)i * n + i] = 1;
  double start = now();
  for (int c0 = 0; c0 < n; c0 += block) {
    int size = n - c0 < block ? n - c0 : block;
    for (int c = 0; c < size; c++) {
      float *x = w + (size_t)(c0 + c) * rows, *error = e + (size_t)c * rows, pivot = u[(size_t)(c0 + c) * n + c0 + c];
      for (int r = 0; r < rows; r++) {
        float q = (fminf(fmaxf(rintf(x[r] / 0.125f) + 8, 0), 15) - 8) * 0.125f;
        error[r] = (x[r] - q) / pivot;
        x[r] = q;
      }
      for (int j = c + 1; j < size; j++) {
        float *y = w + (size_t)(c0 + j) * rows, f = u[(size_t)(c0 + c) * n + c0 + j];
        for (int r = 0; r < rows; r++) y[r] -= f * error[r];
      }
    }
    int rest = n - c0 - size;
    if (rest > 0)
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rest, rows, size, -1, u + (size_t)c0 * n + c0 + size, n, e, rows, 1,
                  w + (size_t)(c0 + size) * rows, rows);
  }
  return now() - start;
}

int main(void) {
  char line[256], name[32];
  int a, b, c, threads = 1;
  printf("OpenBLAS, %s kernels\n", openblas_get_corename());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    double seconds = 0, flops;
    a = b = c = 0;
    if (sscanf(line, "peak %lf", &flops) == 1) seconds = peak(flops, threads);
    else if (sscanf(line, "%31s %d %d %d", name, &a, &b, &c) < 2) return 1;
    else if (!strcmp(name, "threads")) openblas_set_num_threads(threads = a);
    else if (!strcmp(name, "gemm")) seconds = gemm(a, b, c);
    else if (!strcmp(name, "syrk")) seconds = syrk(a, b);
    else if (!strcmp(name, "potrf")) seconds = factor(a, 1, 0);
    else if (!strcmp(name, "trtri")) seconds = factor(a, 0, 1);
    else if (!strcmp(name, "potrf+trtri")) seconds = factor(a, 1, 1);
    else if (!strcmp(name, "sweep")) seconds = sweep(a, b, c);
    else return 1;
    printf("%.9f\n", seconds);
    fflush(stdout);
  }
}
