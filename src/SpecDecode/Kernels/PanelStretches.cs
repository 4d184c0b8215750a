using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>
/// More rows than go past a panel at once, times the panel: stretch by stretch of its inputs, each of which stays in a cache for all rows.
/// Sums wait in memory from one stretch to the next, so their order is that of a panel passed at once. 16-bit weights are made float32 once where there are several tiles of rows.
/// </summary>
internal unsafe struct PanelStretches
{
    /// <summary>Rows that take part, at most: as many as have sums on the stack.</summary>
    public const int MostRows = 20 * TileKernel.MostRows;

    // A quarter of the smallest first cache there is: rows and sums need theirs, and the next stretch is on its way.
    private const int FirstCacheBytes = 8 << 10;

    // With AVX-512 a tile multiplies twelve rows by what it has read, so that weights come from the second cache in time; and at the end of each stretch its sums, all but
    // eight of the registers, are put down, which takes a sixth of the time of one as short as above. Weights that are widened lie on the stack.
    private const int SecondCacheBytes = 64 << 10;
    private const int WidenedBytes = 32 << 10;

    private TileKernel _kernel;
    private TileKernel _widened;
    private nint _bytes;

    /// <summary>Floats that <see cref="Multiply"/> needs to widen weights.</summary>
    public readonly int WidenedFloats => _kernel.Widens ? (int)_bytes / sizeof(float) : 0;

    /// <summary>For weights of floats.</summary>
    /// <param name="kernel">Their kernels.</param>
    /// <param name="activations">What rows are rounded to where weights are quantised.</param>
    /// <param name="set">The instruction set.</param>
    public static PanelStretches Of(TileKernel kernel, ActivationPrecision activations, InstructionSet set) => new()
    {
        _kernel = kernel,
        _widened = kernel.Widens ? TileKernel.Of(new TensorFormat(Precision.Fp32, 0, TensorLayout.Panels), activations, set) : kernel,
        _bytes = !set.IsAvx512() ? FirstCacheBytes : kernel.Widens ? WidenedBytes : SecondCacheBytes,
    };

    /// <summary>Multiplies.</summary>
    /// <param name="panel">The panel.</param>
    /// <param name="next">What is read after it.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="count">How many, at most <see cref="MostRows"/>.</param>
    /// <param name="sums">Takes <c>[count, 32]</c>.</param>
    /// <param name="widened">Room for <see cref="WidenedFloats"/>.</param>
    /// <param name="result">Where the first row's results will be written, which is asked for in time; null for nowhere.</param>
    /// <param name="width">Floats from one row's results to the next one's.</param>
    public readonly void Multiply(byte* panel, byte* next, in TileRows rows, int count, float* sums, float* widened, float* result, nint width)
    {
        int tiles = (count + _kernel.MaxRows - 1) / _kernel.MaxRows;
        (int tileRows, int larger) = Math.DivRem(count, tiles);
        bool widens = _kernel.Widens && tiles > 1;
        nint stretchSteps = _bytes / Kernel(widens).StepBytes;
        nint stretchBytes = stretchSteps * _kernel.StepBytes;

        // Tiles together ask for as much as they are multiplied by, a stretch ahead, so that memory is neither idle nor waited for.
        nint stretchAsks = tiles * _kernel.Passes * stretchSteps;
        nint askStep = (stretchBytes + stretchAsks - 1) / stretchAsks;

        Unsafe.InitBlockUnaligned(sums, 0, (uint)(count * PanelLayout.Outputs * sizeof(float)));
        for (nint step = 0; step < rows.Steps; step += stretchSteps)
        {
            TileRows tile = rows.Stretch(step, Math.Min(stretchSteps, rows.Steps - step));
            bool isLast = step + stretchSteps >= rows.Steps;
            byte* weights = panel;
            if (widens)
            {
                _kernel.Widen(panel, tile.Steps, widened);
                weights = (byte*)widened;
            }

            panel += stretchBytes;
            byte* ask = isLast ? next + stretchBytes - tile.Steps * _kernel.StepBytes : panel;
            float* to = sums;
            for (int i = 0; i < tiles; i++)
            {
                int tileCount = i < larger ? tileRows + 1 : tileRows;
                if (isLast && result is not null)
                {
                    result = Ask(result, width, tileCount);
                }

                Kernel(widens).Run(tileCount, weights, &tile, to, ask, askStep);
                tile.Floats += tileCount * tile.FloatStride;
                to += tileCount * PanelLayout.Outputs;
                ask += askStep * _kernel.Passes * tile.Steps;
            }
        }
    }

    // Results lie far apart, and each would be waited for when it is written.
    private static float* Ask(float* result, nint width, int rows)
    {
        for (int row = 0; row < rows; row++, result += width)
        {
            Prefetch.Cell((byte*)result);
        }

        return result;
    }

    [UnscopedRef]
    private readonly ref readonly TileKernel Kernel(bool widened) => ref widened ? ref _widened : ref _kernel;
}
