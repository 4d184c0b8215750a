using System.Buffers.Binary;

namespace SpecDecode.Kernels.MachineCode;

/// <summary>Writes the few instructions of x64 that kernels of this library consist of, where .NET has no intrinsics for them.</summary>
internal sealed class X64Writer
{
    private const int FirstBytes = 4096;
    private const int LongestInstruction = 15;
    private const int LongDisplacement = 0x80;
    private const int ShortDisplacement = 0x40;
    private const int Registers = 0xC0;

    private byte[] _code = new byte[FirstBytes];

    /// <summary>Bytes written so far: where the next instruction begins.</summary>
    public int Length { get; private set; }

    /// <summary>What has been written.</summary>
    public ReadOnlySpan<byte> Code => _code.AsSpan(0, Length);

    /// <summary>Goes on at a multiple of a power of two; what is left out between stops whoever comes there.</summary>
    public void Align(int bytes)
    {
        while (Length % bytes != 0)
        {
            Begin();
            Byte(0xCC);
        }
    }

    /// <summary>An instruction over vector registers: to = from ∘ with.</summary>
    /// <param name="instruction">Which.</param>
    /// <param name="to">Takes the result, 0 to 31.</param>
    /// <param name="from">The first operand; 0 where there is one only.</param>
    /// <param name="with">The last operand.</param>
    public void Vector(VectorInstruction instruction, int to, int from, int with)
    {
        Begin();
        Evex(instruction, to, from, with >> 3 & 1, with >> 4 & 1, isBroadcast: false);
        Byte(Registers | (Field(instruction, to) & 7) << 3 | (with & 7));
    }

    /// <summary>The same with its last operand in memory.</summary>
    /// <param name="instruction">Which.</param>
    /// <param name="to">Takes the result; where the instruction writes to memory, the register that is written.</param>
    /// <param name="from">The first operand; 0 where there is one only.</param>
    /// <param name="start">Where memory begins.</param>
    /// <param name="displacement">How many bytes further.</param>
    /// <param name="isBroadcast">Whether memory has 4 bytes, which stand for all 16.</param>
    public void Vector(VectorInstruction instruction, int to, int from, X64Register start, int displacement, bool isBroadcast = false)
    {
        Begin();
        Evex(instruction, to, from, (int)start >> 3 & 1, 0, isBroadcast);
        int unit = isBroadcast ? sizeof(int) : instruction.MemoryBytes;
        (int counted, int rest) = Math.DivRem(displacement, unit);
        bool isShort = rest == 0 && counted is >= sbyte.MinValue and <= sbyte.MaxValue;
        Byte((isShort ? ShortDisplacement : LongDisplacement) | (Field(instruction, to) & 7) << 3 | ((int)start & 7));
        if (isShort)
        {
            Byte(counted);
        }
        else
        {
            Number(displacement);
        }
    }

    /// <summary>A shift of vectors.</summary>
    public void Shift(VectorInstruction instruction, int to, int from, int bits)
    {
        Vector(instruction, to, to, from);
        Byte(bits);
    }

    /// <summary>The same of what lies in memory.</summary>
    public void Shift(VectorInstruction instruction, int to, X64Register start, int displacement, int bits)
    {
        Vector(instruction, to, to, start, displacement);
        Byte(bits);
    }

    /// <summary>prefetcht0.</summary>
    /// <param name="start">Where memory begins.</param>
    /// <param name="index">Added to it.</param>
    /// <param name="displacement">Added, too.</param>
    public void Prefetch(X64Register start, X64Register index, int displacement)
    {
        Begin();
        if ((int)start > 7 || (int)index > 7)
        {
            Byte(0x40 | (int)index >> 3 << 1 | (int)start >> 3);
        }

        Byte(0x0F);
        Byte(0x18);
        Byte(LongDisplacement | 1 << 3 | 4);
        Byte(((int)index & 7) << 3 | ((int)start & 7));
        Number(displacement);
    }

    /// <summary>mov between general registers.</summary>
    public void Move(X64Register to, X64Register from) => General(0x8B, to, from);

    /// <summary>mov of a number of 32 bits.</summary>
    public void Move(X64Register to, int value)
    {
        Begin();
        if ((int)to > 7)
        {
            Byte(0x41);
        }

        Byte(0xB8 | ((int)to & 7));
        Number(value);
    }

    /// <summary>mov of 64 bits from memory.</summary>
    public void Load(X64Register to, X64Register start, int displacement) => General(0x8B, to, start, displacement);

    /// <summary>add of 64 bits in memory.</summary>
    public void Add(X64Register to, X64Register start, int displacement) => General(0x03, to, start, displacement);

    /// <summary>cmp with 64 bits in memory.</summary>
    public void Compare(X64Register left, X64Register start, int displacement) => General(0x3B, left, start, displacement);

    /// <summary>add of a number to 64 bits.</summary>
    public void Add(X64Register to, int value)
    {
        Begin();
        Byte(0x48 | (int)to >> 3);
        Byte(0x81);
        Byte(Registers | ((int)to & 7));
        Number(value);
    }

    /// <summary>jb: back, where the left side of the comparison before was smaller, without signs.</summary>
    /// <param name="target">A <see cref="Length"/> of before.</param>
    public void JumpIfBelow(int target) => Jump(0x82, target);

    /// <summary>jnz: back, where the result before was not zero.</summary>
    /// <param name="target">A <see cref="Length"/> of before.</param>
    public void JumpIfNotZero(int target) => Jump(0x85, target);

    /// <summary>vzeroupper and ret: registers are left so that older instructions are not slowed down by what is in them.</summary>
    public void Return()
    {
        Begin();
        Byte(0xC5);
        Byte(0xF8);
        Byte(0x77);
        Byte(0xC3);
    }

    private static int Field(VectorInstruction instruction, int to) => instruction.Extension < 0 ? to : instruction.Extension;

    // The prefix of four bytes; registers' upper bits stand in it upside down. Of shifts, whose place for a register has the extension, the result stands where the first operand does.
    private void Evex(VectorInstruction instruction, int to, int from, int lastBit3, int lastBit4, bool isBroadcast)
    {
        int field = Field(instruction, to);
        Byte(0x62);
        Byte((~field >> 3 & 1) << 7 | (~lastBit4 & 1) << 6 | (~lastBit3 & 1) << 5 | (~field >> 4 & 1) << 4 | instruction.Map);
        Byte((~from & 15) << 3 | 1 << 2 | instruction.Prefix);
        Byte(2 << 5 | (isBroadcast ? 1 << 4 : 0) | (~from >> 4 & 1) << 3);
        Byte(instruction.Opcode);
    }

    private void General(int opcode, X64Register field, X64Register last)
    {
        Begin();
        Byte(0x48 | (int)field >> 3 << 2 | (int)last >> 3);
        Byte(opcode);
        Byte(Registers | ((int)field & 7) << 3 | ((int)last & 7));
    }

    private void General(int opcode, X64Register field, X64Register start, int displacement)
    {
        Begin();
        Byte(0x48 | (int)field >> 3 << 2 | (int)start >> 3);
        Byte(opcode);
        Byte(LongDisplacement | ((int)field & 7) << 3 | ((int)start & 7));
        Number(displacement);
    }

    private void Jump(int condition, int target)
    {
        Begin();
        Byte(0x0F);
        Byte(condition);
        Number(target - (Length + sizeof(int)));
    }

    private void Begin()
    {
        if (Length + LongestInstruction > _code.Length)
        {
            Array.Resize(ref _code, 2 * _code.Length);
        }
    }

    private void Byte(int value) => _code[Length++] = (byte)value;

    private void Number(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_code.AsSpan(Length), value);
        Length += sizeof(int);
    }
}
