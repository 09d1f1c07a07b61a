using System.Buffers.Binary;
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
    internal const int NonceSize = 12;
    private const int TagSize = 16;

    /// <summary>Length of a wrapped data key: nonce, key, tag.</summary>
    public const int WrappedKeySize = NonceSize + 32 + TagSize;

    private readonly AesGcm master;
    private readonly List<(string Fingerprint, byte[] Key, AesGcm Cipher)> others = [];
    // An AesGcm has one native context: two threads in it at once read each other's tags.
    private readonly Lock gate = new();
    private byte[] recordKeySecret;

    /// <summary>Takes the master key: 32 bytes.</summary>
    /// <param name="masterKey">It wraps what is new.</param>
    /// <param name="otherKeys">Others that old keys may still be wrapped with, while the master key is exchanged.</param>
    public LeadCipher(byte[] masterKey, params IReadOnlyList<byte[]> otherKeys)
    {
        if (masterKey.Length != 32 || otherKeys.Any(k => k.Length != 32))
            throw new ArgumentException("A master key must be 32 bytes.", nameof(masterKey));
        master = new AesGcm(masterKey, TagSize);
        recordKeySecret = RecordSecretOf(masterKey);
        Fingerprint = FingerprintOf(masterKey);
        foreach (var key in otherKeys)
            others.Add((FingerprintOf(key), key, new AesGcm(key, TagSize)));
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

    /// <summary>Unwraps a lead's data key, whichever of the master keys it is wrapped with.</summary>
    /// <exception cref="CryptographicException">With none of them, or it belongs to another lead.</exception>
    public LeadDataKey Unwrap(byte[] wrapped, Guid leadId)
    {
        lock (gate)
            return new(Open(wrapped, leadId, out _));
    }

    /// <summary>Wraps a data key with the master key that is wrapped with another; null: it is with this one already.</summary>
    /// <exception cref="CryptographicException">It is wrapped with none of those that are known.</exception>
    public byte[]? Rewrap(byte[] wrapped, Guid boundTo)
    {
        lock (gate)
        {
            var key = Open(wrapped, boundTo, out var isOld);
            return isOld ? Seal(master, key, boundTo) : null;
        }
    }

    /// <summary>Seals what belongs to no lead with a data key of its own, which stands before it, wrapped.</summary>
    public byte[] SealWithOwnKey(ReadOnlySpan<byte> plain, Guid boundTo)
    {
        var (key, wrapped) = NewKey(boundTo);
        return [.. wrapped, .. key.Seal(plain, boundTo)];
    }

    /// <summary>Opens what was sealed with a key of its own.</summary>
    /// <exception cref="CryptographicException">It was altered or cut off, or sealed for something else or with another master key.</exception>
    public byte[] OpenWithOwnKey(ReadOnlySpan<byte> sealedBytes, Guid boundTo) => sealedBytes.Length < WrappedKeySize
        ? throw new CryptographicException("Sealed data is too short.")
        : Unwrap(sealedBytes[..WrappedKeySize].ToArray(), boundTo).Open(sealedBytes[WrappedKeySize..], boundTo);

    /// <summary>Whether one of the other master keys has this fingerprint.</summary>
    public bool KnowsOther(string fingerprint) => others.Exists(o => o.Fingerprint == fingerprint);

    /// <summary>
    /// Takes over the secret of the record keys, which outlives the master key that it was derived from: a person would be another one to the CRM otherwise.
    /// </summary>
    /// <param name="wrapped">As it is stored; null: it is not stored yet, and is that of the master key with this fingerprint.</param>
    /// <param name="fingerprint">Of the master key that the database was made with.</param>
    /// <returns>The form to be stored, wrapped with the master key in force.</returns>
    public byte[] UseRecordSecret(byte[]? wrapped, string fingerprint)
    {
        lock (gate)
        {
            recordKeySecret = wrapped is not null ? Open(wrapped, RecordSecretId, out _)
                : fingerprint != Fingerprint && others.Find(o => o.Fingerprint == fingerprint) is { Key: { } old } ? RecordSecretOf(old)
                : recordKeySecret;
            return wrapped is not null && Rewrap(wrapped, RecordSecretId) is null ? wrapped : Seal(master, recordKeySecret, RecordSecretId);
        }
    }

    /// <summary>
    /// Our external key of a person or a company: a keyed hash, so that the CRM can match records by it and nobody can guess
    /// addresses from it.
    /// </summary>
    public string RecordKey(string normalised) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(recordKeySecret, Encoding.UTF8.GetBytes(normalised)).AsSpan(0, 16));

    /// <inheritdoc/>
    public void Dispose()
    {
        master.Dispose();
        others.ForEach(o => o.Cipher.Dispose());
    }

    private static readonly Guid RecordSecretId = new("3c9a2a5e-0a0c-4b2e-9a55-8f3f0d7c6e21");

    private static byte[] RecordSecretOf(byte[] masterKey) => HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, 32, info: "record-key"u8.ToArray());

    private static string FingerprintOf(byte[] masterKey) => Convert.ToHexStringLower(HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, 8, info: "fingerprint"u8.ToArray()));

    private byte[] Open(byte[] wrapped, Guid boundTo, out bool isOld)
    {
        isOld = false;
        try
        {
            return Open(master, wrapped, boundTo);
        }
        catch (AuthenticationTagMismatchException) when (others.Count > 0)
        {
            isOld = true;
            foreach (var (_, _, cipher) in others.SkipLast(1))
            {
                try
                {
                    return Open(cipher, wrapped, boundTo);
                }
                catch (AuthenticationTagMismatchException)
                {
                    // Then it is the next.
                }
            }
            return Open(others[^1].Cipher, wrapped, boundTo);
        }
    }

    private static byte[] Seal(AesGcm cipher, ReadOnlySpan<byte> plain, Guid boundTo)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        RandomNumberGenerator.Fill(nonce);
        return Seal(cipher, nonce, plain, boundTo);
    }

    internal static byte[] Seal(AesGcm cipher, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, Guid boundTo)
    {
        var result = new byte[NonceSize + plain.Length + TagSize];
        nonce.CopyTo(result);
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
    // Counted up from a beginning by chance: no nonce comes twice, and the system's random numbers, asked for one by one, cost as much as the sealing.
    private readonly byte[] nonce = RandomNumberGenerator.GetBytes(LeadCipher.NonceSize);

    /// <summary>Seals bytes; they can be opened only for the same lead.</summary>
    public byte[] Seal(ReadOnlySpan<byte> plain, Guid leadId)
    {
        lock (gate)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(nonce, unchecked(BinaryPrimitives.ReadUInt64LittleEndian(nonce) + 1));
            return LeadCipher.Seal(cipher, nonce, plain, leadId);
        }
    }

    /// <summary>Opens sealed bytes.</summary>
    /// <exception cref="CryptographicException">They were altered, or sealed for another lead or with another key.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedBytes, Guid leadId)
    {
        lock (gate)
            return LeadCipher.Open(cipher, sealedBytes, leadId);
    }
}
