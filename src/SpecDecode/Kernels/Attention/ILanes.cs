namespace SpecDecode.Kernels.Attention;

/// <summary>
/// 16 floats, one for each position of a page or for as many channels of a head, in as few registers as the processor has for them. What is written over
/// this does the same operations in the same order on every processor.
/// </summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal unsafe interface ILanes<TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Query vectors of a tile that are multiplied at a time.</summary>
    static abstract int TileRows { get; }

    /// <summary>Sums of 16 lanes that there are registers for, beside what is multiplied.</summary>
    static abstract int Sums { get; }

    /// <summary>All zeros.</summary>
    static abstract TSelf Zero { get; }

    /// <summary>The same number 16 times.</summary>
    static abstract TSelf Create(float value);

    /// <summary>Floats as they are.</summary>
    static abstract TSelf Load(float* from);

    /// <summary>16 float16; infinities and what is no number become large numbers.</summary>
    static abstract TSelf LoadHalf(ushort* from);

    /// <summary>16 signed bytes as numbers.</summary>
    static abstract TSelf LoadBytes(sbyte* from);

    /// <summary>Writes the floats.</summary>
    static abstract void Store(TSelf values, float* to);

    /// <summary>left + right.</summary>
    static abstract TSelf Add(TSelf left, TSelf right);

    /// <summary>left − right.</summary>
    static abstract TSelf Subtract(TSelf left, TSelf right);

    /// <summary>left · right.</summary>
    static abstract TSelf Multiply(TSelf left, TSelf right);

    /// <summary>left / right.</summary>
    static abstract TSelf Divide(TSelf left, TSelf right);

    /// <summary>sums + left · right, rounded once where the processor can.</summary>
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf sums);

    /// <summary>The larger of each two; on the right what is no number stays that.</summary>
    static abstract TSelf Max(TSelf left, TSelf right);

    /// <summary>The numbers with the signs of others.</summary>
    static abstract TSelf CopySign(TSelf values, TSelf signs);

    /// <summary>The next whole numbers.</summary>
    static abstract TSelf Round(TSelf values);

    /// <summary>2 to the power of whole numbers from −126 to 127.</summary>
    static abstract TSelf PowerOfTwo(TSelf whole);
}
