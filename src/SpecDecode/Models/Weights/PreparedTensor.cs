using System.Collections.Immutable;

namespace SpecDecode.Models.Weights;

/// <summary>Where a tensor lies in a prepared-weights file.</summary>
/// <param name="Name">The name that descriptions and graphs use.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Offset">Byte offset in the file; a multiple of 4096.</param>
/// <param name="Length">Length in bytes: four for each element.</param>
internal sealed record PreparedTensor(string Name, ImmutableArray<long> Shape, long Offset, long Length);
