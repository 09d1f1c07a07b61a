using System.Security.Cryptography;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Tests.Storage;

[TestFixture]
public sealed class LeadCipherTests
{
    private static readonly Guid Lead = new("11111111-1111-1111-1111-111111111111");
    private static readonly Guid Other = new("22222222-2222-2222-2222-222222222222");

    [Test]
    public void Should_open_what_has_a_key_of_its_own_and_nothing_that_is_cut_off()
    {
        using var cipher = Cipher(1);
        var whole = cipher.SealWithOwnKey("secret"u8, Lead);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cipher.OpenWithOwnKey(whole, Lead), Is.EqualTo("secret"u8.ToArray()));
            Assert.That(() => cipher.OpenWithOwnKey(whole, Other), Throws.InstanceOf<CryptographicException>());
            for (var length = 0; length < whole.Length; length++)
                Assert.That(() => cipher.OpenWithOwnKey(whole.AsSpan(0, length), Lead), Throws.InstanceOf<CryptographicException>());
        }
    }

    [Test]
    public void Should_open_what_it_sealed()
    {
        using var cipher = Cipher(1);
        var (key, wrapped) = cipher.NewKey(Lead);

        Assert.That(cipher.Unwrap(wrapped, Lead).Open(key.Seal("secret"u8, Lead), Lead), Is.EqualTo("secret"u8.ToArray()));
    }

    [Test]
    public void Should_open_old_keys_while_the_master_key_is_exchanged_and_wrap_them_anew()
    {
        byte[] Key(int seed) => [.. Enumerable.Range(seed, 32).Select(i => (byte)i)];
        using var old = new LeadCipher(Key(1));
        using var exchanging = new LeadCipher(Key(2), Key(9), Key(1));
        using var alone = new LeadCipher(Key(2));
        var (key, wrapped) = old.NewKey(Lead);
        var sealedBytes = key.Seal("secret"u8, Lead);

        var rewrapped = exchanging.Rewrap(wrapped, Lead)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exchanging.Unwrap(wrapped, Lead).Open(sealedBytes, Lead), Is.EqualTo("secret"u8.ToArray()));
            Assert.That(alone.Unwrap(rewrapped, Lead).Open(sealedBytes, Lead), Is.EqualTo("secret"u8.ToArray()), "what it seals is not touched");
            Assert.That(exchanging.Rewrap(rewrapped, Lead), Is.Null);
            Assert.That(() => exchanging.Rewrap(wrapped, Other), Throws.InstanceOf<CryptographicException>());
            Assert.That(() => alone.Rewrap(wrapped, Lead), Throws.InstanceOf<CryptographicException>());
        }
    }

    [Test]
    public void Should_seal_nothing_with_a_nonce_that_was_there()
    {
        using var cipher = Cipher(1);
        var (key, wrapped) = cipher.NewKey(Lead);
        LeadDataKey[] keys = [key, cipher.Unwrap(wrapped, Lead), cipher.Unwrap(wrapped, Lead)];

        var nonces = keys.SelectMany(k => Enumerable.Range(0, 1000).Select(_ => Convert.ToHexString(k.Seal("secret"u8, Lead).AsSpan(0, 12)))).ToHashSet();

        Assert.That(nonces, Has.Count.EqualTo(3000));
    }

    [Test]
    public void Should_not_open_a_key_or_a_document_for_another_lead()
    {
        using var cipher = Cipher(1);
        var (key, wrapped) = cipher.NewKey(Lead);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => cipher.Unwrap(wrapped, Other), Throws.InstanceOf<CryptographicException>());
            Assert.That(() => key.Open(key.Seal("secret"u8, Lead), Other), Throws.InstanceOf<CryptographicException>());
        }
    }

    [Test]
    public void Should_not_open_what_was_altered_or_cut_short()
    {
        using var cipher = Cipher(1);
        var (key, _) = cipher.NewKey(Lead);
        var altered = key.Seal("secret"u8, Lead);
        altered[14] ^= 1;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => key.Open(altered, Lead), Throws.InstanceOf<CryptographicException>());
            Assert.That(() => key.Open(altered.AsSpan(0, 20), Lead), Throws.InstanceOf<CryptographicException>());
        }
    }

    [Test]
    public void Should_not_open_anything_once_the_key_is_destroyed()
    {
        using var cipher = Cipher(1);
        var document = cipher.NewKey(Lead).Key.Seal("secret"u8, Lead);

        var (another, _) = cipher.NewKey(Lead);

        Assert.That(() => another.Open(document, Lead), Throws.InstanceOf<CryptographicException>());
    }

    [Test]
    public void Should_not_unwrap_with_another_master_key()
    {
        using var cipher = Cipher(1);
        using var stranger = Cipher(2);
        var (_, wrapped) = cipher.NewKey(Lead);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => stranger.Unwrap(wrapped, Lead), Throws.InstanceOf<CryptographicException>());
            Assert.That(stranger.Fingerprint, Is.Not.EqualTo(cipher.Fingerprint));
            Assert.That(stranger.RecordKey("a@b.example"), Is.Not.EqualTo(cipher.RecordKey("a@b.example")));
        }
    }

    [Test]
    public void Should_serve_many_threads_at_once()
    {
        using var cipher = Cipher(1);

        Assert.That(() => Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            var (key, wrapped) = cipher.NewKey(Lead);
            _ = cipher.Unwrap(wrapped, Lead).Open(key.Seal("secret"u8, Lead), Lead);
        }), Throws.Nothing);
    }

    private static LeadCipher Cipher(byte seed) => new([.. Enumerable.Repeat(seed, 32)]);
}
