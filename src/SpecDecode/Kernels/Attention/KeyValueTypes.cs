using System.Runtime.CompilerServices;

namespace SpecDecode.Kernels.Attention;

/// <summary>float32.</summary>
internal readonly struct SingleKeyValues : IKeyValueType
{
    /// <inheritdoc/>
    public static int Bytes => sizeof(float);

    /// <inheritdoc/>
    public static bool IsScaled => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe TLanes Load<TLanes>(byte* from)
        where TLanes : unmanaged, ILanes<TLanes> => TLanes.Load((float*)from);
}

/// <summary>float16.</summary>
internal readonly struct HalfKeyValues : IKeyValueType
{
    /// <inheritdoc/>
    public static int Bytes => sizeof(ushort);

    /// <inheritdoc/>
    public static bool IsScaled => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe TLanes Load<TLanes>(byte* from)
        where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadHalf((ushort*)from);
}

/// <summary>Bytes from −127 to 127, and a float32 for each head and position that they are multiplied by.</summary>
internal readonly struct ByteKeyValues : IKeyValueType
{
    /// <inheritdoc/>
    public static int Bytes => sizeof(sbyte);

    /// <inheritdoc/>
    public static bool IsScaled => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe TLanes Load<TLanes>(byte* from)
        where TLanes : unmanaged, ILanes<TLanes> => TLanes.LoadBytes((sbyte*)from);
}
