using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.Kernels.Attention;
using SpecDecode.OnnxRuntime.Memory;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>Attention of layers with equal descriptions, over the pages of a model.</summary>
internal sealed class AttentionKernel
{
    /// <summary>Prepares it.</summary>
    /// <param name="attend">The layers' attention.</param>
    /// <param name="memory">The pages.</param>
    /// <param name="layer">One of the layers.</param>
    /// <param name="instructions">What the kernel may use.</param>
    /// <param name="scratch">Memory while it runs.</param>
    public AttentionKernel(AttendDescription attend, KvPageMemory memory, int layer, InstructionSet instructions, KernelScratch scratch)
    {
        Memory = memory;
        Shape = AttentionShape.Of(attend);
        Attention = new PagedAttention(Shape, memory.Layout(layer), instructions, scratch);
    }

    /// <summary>The layers, as the kernel sees them.</summary>
    public AttentionShape Shape { get; }

    /// <summary>The kernel.</summary>
    public PagedAttention Attention { get; }

    /// <summary>The pages.</summary>
    public KvPageMemory Memory { get; }
}
