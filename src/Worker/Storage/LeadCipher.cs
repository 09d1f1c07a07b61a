using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Worker.Storage;

/// <summary>
/// Seals what belongs to a person. Each lead has a data key of its own, wrapped by the master key; destroying the wrapped key makes
/// everything that was sealed with it unreadable, while hashes over the sealed bytes still verify.
/// Format of everything sealed: 12 bytes nonce, ciphertext, 16 bytes tag (AES-256-GCM).
/// </summary>
public sealed class LeadCipher : IDisposable
{
    private const int NonceSize = 12, TagSize = 16;
    private readonly AesGcm master;
    // An AesGcm has one native context: two threads in it at once read each other's tags.
    private readonly Lock gate = new();
    private readonly byte[] recordKeySecret;

    /// <summary>Takes the master key: 32 bytes.</summary>
    public LeadCipher(byte[] masterKey)
    {
        if (masterKey.Length != 32)
            throw new ArgumentException("The master key must be 32 bytes.", nameof(masterKey));
        master = new AesGcm(masterKey, TagSize);
        recordKeySecret = HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, 32, info: "record-key"u8.ToArray());
        Fingerprint = Convert.ToHexStringLower(HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, 8, info: "fingerprint"u8.ToArray()));
    }

    /// <summary>Tells two master keys apart without telling anything about them.</summary>
    public string Fingerprint { get; }

    /// <summary>A new data key and its wrapped form, which is what is stored.</summary>
    public (LeadDataKey Key, byte[] Wrapped) NewKey(Guid leadId)
    {
        var key = RandomNumberGenerator.GetBytes(32);
        lock (gate)
            return (new LeadDataKey(key), Seal(master, key, leadId));
    }

    /// <summary>Unwraps a lead's data key.</summary>
    public LeadDataKey Unwrap(byte[] wrapped, Guid leadId)
    {
        lock (gate)
            return new(Open(master, wrapped, leadId));
    }

    /// <summary>
    /// Our external key of a person or a company: a keyed hash, so that the CRM can match records by it and nobody can guess
    /// addresses from it.
    /// </summary>
    public string RecordKey(string normalised) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(recordKeySecret, Encoding.UTF8.GetBytes(normalised)).AsSpan(0, 16));

    /// <inheritdoc/>
    public void Dispose() => master.Dispose();

    internal static byte[] Seal(AesGcm cipher, ReadOnlySpan<byte> plain, Guid boundTo)
    {
        var result = new byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(result.AsSpan(0, NonceSize));
        Span<byte> associated = stackalloc byte[16];
        boundTo.TryWriteBytes(associated);
        cipher.Encrypt(result.AsSpan(0, NonceSize), plain, result.AsSpan(NonceSize, plain.Length), result.AsSpan(NonceSize + plain.Length), associated);
        return result;
    }

    internal static byte[] Open(AesGcm cipher, ReadOnlySpan<byte> sealedBytes, Guid boundTo)
    {
        if (sealedBytes.Length < NonceSize + TagSize)
            throw new CryptographicException("Sealed data is too short.");
        var plain = new byte[sealedBytes.Length - NonceSize - TagSize];
        Span<byte> associated = stackalloc byte[16];
        boundTo.TryWriteBytes(associated);
        cipher.Decrypt(sealedBytes[..NonceSize], sealedBytes.Slice(NonceSize, plain.Length), sealedBytes[(NonceSize + plain.Length)..], plain, associated);
        return plain;
    }
}

/// <summary>The data key of one lead, in memory.</summary>
#pragma warning disable CA1001 // Held by a lead's work, which no one place ends; the native handle has a finalizer.
public sealed class LeadDataKey(byte[] key)
#pragma warning restore CA1001
{
    // One cipher for all that is sealed in a stage: making one costs more than using it.
    private readonly AesGcm cipher = new(key, 16);
    private readonly Lock gate = new();

    /// <summary>Seals bytes; they can be opened only for the same lead.</summary>
    public byte[] Seal(ReadOnlySpan<byte> plain, Guid leadId)
    {
        lock (gate)
            return LeadCipher.Seal(cipher, plain, leadId);
    }

    /// <summary>Opens sealed bytes.</summary>
    /// <exception cref="CryptographicException">They were altered, or sealed for another lead or with another key.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedBytes, Guid leadId)
    {
        lock (gate)
            return LeadCipher.Open(cipher, sealedBytes, leadId);
    }
}
