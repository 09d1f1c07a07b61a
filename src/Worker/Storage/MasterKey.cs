using System.Security.Cryptography;
using System.Text;

namespace LeadPipeline.Worker.Storage;

/// <summary>The key that wraps every lead's data key.</summary>
public sealed class EncryptionOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Encryption";

    /// <summary>Base64 of 32 bytes. Default: kept in <c>master.key</c> in the data directory, made at the first start.</summary>
    public string? MasterKey { get; set; }

    /// <summary>Further master keys, likewise: what is still wrapped with one of them can be read. For the time of an exchange; <c>keys rewrap</c> ends it. Default none.</summary>
    public IList<string> OtherMasterKeys { get; } = new List<string>();
}

/// <summary>Finds or makes the master key.</summary>
public static class MasterKeys
{
    /// <summary>The configured key, else the one in the directory's <c>master.key</c>, which is made with mode 0600 when it is missing.</summary>
    /// <exception cref="FormatException">The key is not base64 of 32 bytes.</exception>
    public static byte[] Load(EncryptionOptions options, string directory)
    {
        if (!string.IsNullOrWhiteSpace(options.MasterKey))
            return Parse(options.MasterKey, "Encryption:MasterKey");
        var path = Path.Combine(directory, "master.key");
        if (!File.Exists(path))
            PrivateFile.WriteOnce(path, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        return Parse(File.ReadAllText(path).Trim(), path);
    }

    /// <summary>The further keys.</summary>
    /// <exception cref="FormatException">One is not base64 of 32 bytes.</exception>
    public static IReadOnlyList<byte[]> Others(EncryptionOptions options) => [.. options.OtherMasterKeys.Select((key, i) => Parse(key ?? "", $"Encryption:OtherMasterKeys:{i}"))];

    private static byte[] Parse(string text, string where)
    {
        var key = new byte[33];
        return Convert.TryFromBase64String(text, key, out var length) && length == 32
            ? key[..32]
            : throw new FormatException($"{where} is not base64 of 32 bytes. Make one with: openssl rand -base64 32");
    }
}

/// <summary>Files that only their owner may read.</summary>
public static class PrivateFile
{
    /// <summary>Writes a file with mode 0600 unless it exists; when two processes try, one wins and both read the same.</summary>
    public static void WriteOnce(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var temporary = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(temporary, options))
        {
            stream.Write(Encoding.UTF8.GetBytes(text));
            // On the disk before anything is sealed with it: leads that outlive a power cut are worth nothing without their key.
            stream.Flush(flushToDisk: true);
        }
        try
        {
            File.Move(temporary, path, overwrite: false);
            // And its name as well; Windows sees to that by itself.
            if (!OperatingSystem.IsWindows())
            {
                using var named = File.OpenHandle(path);
                RandomAccess.FlushToDisk(named);
            }
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);
        }
    }
}
