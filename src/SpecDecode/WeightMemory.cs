namespace SpecDecode;

/// <summary>Where weights lie while a model is loaded, with <see cref="KernelChoice.Own"/>.</summary>
public enum WeightMemory
{
    /// <summary>In the file of prepared weights, mapped into memory: loading reads nothing, and processes with the same model share the memory.</summary>
    Mapped,

    /// <summary>
    /// In a copy in the process's own memory, in large pages where the operating system gives them (Linux, transparent huge pages). Loading reads the whole
    /// file, each process has a copy of its own, and decoding is somewhat faster where small pages cost time.
    /// </summary>
    LargePages,
}
