namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>A message that can be written as protocol buffers.</summary>
internal interface IProtobufMessage
{
    /// <summary>
    /// Writes its fields, the one with the lowest number first. For one file it is called more than once, and what it writes must
    /// be the same every time.
    /// </summary>
    /// <param name="writer">Where to.</param>
    void WriteTo(ref ProtobufWriter writer);
}
