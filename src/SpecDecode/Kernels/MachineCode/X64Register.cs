namespace SpecDecode.Kernels.MachineCode;

/// <summary>General registers that a function may change on Linux as on Windows, and those in which its argument comes there.</summary>
internal enum X64Register
{
    /// <summary>Free on both.</summary>
    Rax = 0,

    /// <summary>Free on both; the argument on Windows.</summary>
    Rcx = 1,

    /// <summary>Free on both.</summary>
    Rdx = 2,

    /// <summary>The argument on Linux; to be kept on Windows, so only read.</summary>
    Rdi = 7,

    /// <summary>Free on both.</summary>
    R8 = 8,

    /// <summary>Free on both.</summary>
    R9 = 9,

    /// <summary>Free on both.</summary>
    R10 = 10,

    /// <summary>Free on both.</summary>
    R11 = 11,
}
