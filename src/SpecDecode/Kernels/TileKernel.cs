using System.Runtime.CompilerServices;
using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>The kernels that multiply rows by panels of one format on one instruction set, by the number of rows.</summary>
internal unsafe struct TileKernel
{
    /// <summary>Rows of the largest tile there is.</summary>
    public const int MostRows = 12;

    private Pointers _run;

    /// <summary>Rows of its largest tile.</summary>
    public int MaxRows { get; private set; }

    /// <summary>Whether it takes rows of bytes; else it takes floats.</summary>
    public bool TakesBytes { get; private set; }

    /// <summary>The kernels.</summary>
    /// <param name="format">How weights are stored, in panels.</param>
    /// <param name="activations">What rows are rounded to where weights are quantised.</param>
    /// <param name="set">The instruction set, which the processor must have.</param>
    public static TileKernel Of(TensorFormat format, ActivationPrecision activations, InstructionSet set) => set switch
    {
        InstructionSet.Avx512Vnni => Of<Panel512, Sums256<VnniDot>>(format.Precision, activations),
        InstructionSet.Avx512 => Of<Panel512, Sums256<Avx2Dot>>(format.Precision, activations),
        InstructionSet.Avx2Vnni => Of<Panel256, Sums256<VnniDot>>(format.Precision, activations),
        InstructionSet.Avx2 => Of<Panel256, Sums256<Avx2Dot>>(format.Precision, activations),
        InstructionSet.Arm64DotProduct => Of<Panel128, Sums128<ArmDot>>(format.Precision, activations),
        _ => Of<Panel128, Sums128<PortableDot>>(format.Precision, activations),
    };

    /// <summary>Multiplies; as <see cref="FloatTile{TPanel,TWeights}.Run{TRows}"/>.</summary>
    /// <param name="count">How many rows, at most <see cref="MaxRows"/>.</param>
    /// <param name="panel">The weights.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="sums">Takes <c>[count, 32]</c>.</param>
    /// <param name="ahead">How far ahead weights are asked for.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Run(int count, byte* panel, TileRows* rows, float* sums, nint ahead) =>
        ((delegate*<byte*, TileRows*, float*, nint, void>)_run[count - 1])(panel, rows, sums, ahead);

    private static TileKernel Of<TPanel, TSums>(Precision precision, ActivationPrecision activations)
        where TPanel : unmanaged, IPanel<TPanel>
        where TSums : unmanaged, ISums<TSums> => (precision, activations) switch
        {
            (Precision.Fp32, _) => Floats<TPanel, SingleWeights>(),
            (Precision.Bf16, _) => Floats<TPanel, BFloat16Weights>(),
            (Precision.Fp16, _) => Floats<TPanel, HalfWeights>(),
            (Precision.Int8, ActivationPrecision.Int8) => Blocks<TSums, Int8Weights>(),
            (Precision.Int4, ActivationPrecision.Int8) => Blocks<TSums, Int4Weights>(),
            (Precision.Int8, _) => Wide<TPanel, Int8Weights>(),
            (Precision.Int4, _) => Wide<TPanel, Int4Weights>(),
            _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "A precision that no kernel is written for."),
        };

    private static TileKernel Floats<TPanel, TWeights>()
        where TPanel : unmanaged, IPanel<TPanel>
        where TWeights : unmanaged, IFloatWeights
    {
        TileKernel kernel = new() { MaxRows = TPanel.TileRows };
        kernel._run[0] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<OneRow>;
        kernel._run[1] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<TwoRows>;
        kernel._run[2] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<ThreeRows>;
        kernel._run[3] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<FourRows>;
        kernel._run[4] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<FiveRows>;
        kernel._run[5] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<SixRows>;
        kernel._run[6] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<SevenRows>;
        kernel._run[7] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<EightRows>;
        kernel._run[8] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<NineRows>;
        kernel._run[9] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<TenRows>;
        kernel._run[10] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<ElevenRows>;
        kernel._run[11] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&FloatTile<TPanel, TWeights>.Run<TwelveRows>;
        return kernel;
    }

    private static TileKernel Blocks<TSums, TBits>()
        where TSums : unmanaged, ISums<TSums>
        where TBits : unmanaged, IBlockWeights
    {
        TileKernel kernel = new() { MaxRows = BlockTile<TSums, TBits>.MaxRows, TakesBytes = true };
        kernel._run[0] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&BlockTile<TSums, TBits>.Run<OneRow>;
        kernel._run[1] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&BlockTile<TSums, TBits>.Run<TwoRows>;
        kernel._run[2] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&BlockTile<TSums, TBits>.Run<ThreeRows>;
        kernel._run[3] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&BlockTile<TSums, TBits>.Run<FourRows>;
        kernel._run[4] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&BlockTile<TSums, TBits>.Run<FiveRows>;
        kernel._run[5] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&BlockTile<TSums, TBits>.Run<SixRows>;
        return kernel;
    }

    private static TileKernel Wide<TPanel, TBits>()
        where TPanel : unmanaged, IPanel<TPanel>
        where TBits : unmanaged, IBlockWeights
    {
        TileKernel kernel = new() { MaxRows = WideTile<TPanel, TBits>.MaxRows };
        kernel._run[0] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&WideTile<TPanel, TBits>.Run<OneRow>;
        kernel._run[1] = (nint)(delegate*<byte*, TileRows*, float*, nint, void>)&WideTile<TPanel, TBits>.Run<TwoRows>;
        return kernel;
    }

    [InlineArray(MostRows)]
    private struct Pointers
    {
        private nint _first;
    }
}
