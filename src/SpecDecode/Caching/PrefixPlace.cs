namespace SpecDecode.Caching;

/// <summary>How far a text is in a <see cref="PrefixCache"/>.</summary>
/// <param name="Node">Its last page there.</param>
/// <param name="Version">That page's version.</param>
/// <param name="Pages">How many of its pages; less than 0 where no more can be added.</param>
internal readonly record struct PrefixPlace(int Node, int Version, int Pages)
{
    /// <summary>Nothing of it.</summary>
    public static PrefixPlace Beginning => default;

    /// <summary>Nothing of it, and nothing can be added.</summary>
    public static PrefixPlace Lost => new(0, 0, -1);

    /// <summary>Whether no more can be added.</summary>
    public bool IsLost => Pages < 0;
}
