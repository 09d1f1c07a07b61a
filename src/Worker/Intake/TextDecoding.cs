using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>
/// Reads spreadsheets' text without being told the encoding: UTF-8 with or without a byte order mark, UTF-16 with one, and
/// every byte that is not UTF-8 as Windows-1252, which is what older spreadsheets write. It decides byte by byte, so a file
/// of any length is read in one pass, and one that mixes both is read right.
/// </summary>
internal static class TextDecoding
{
    /// <summary>Opens the text.</summary>
    /// <param name="stream">The bytes; left open.</param>
    /// <param name="notUtf8">Called when a byte is not UTF-8, each time.</param>
    internal static StreamReader Open(Stream stream, Action? notUtf8 = null)
    {
        var encoding = (Encoding)new UTF8Encoding(encoderShouldEmitUTF8Identifier: false).Clone();
        encoding.DecoderFallback = new Windows1252Fallback(notUtf8);
        return new StreamReader(stream, encoding, detectEncodingFromByteOrderMarks: true, bufferSize: 16 * 1024, leaveOpen: true);
    }

    private sealed class Windows1252Fallback(Action? used) : DecoderFallback
    {
        public override int MaxCharCount => 4;

        public override DecoderFallbackBuffer CreateFallbackBuffer() => new Buffer(used);

        private sealed class Buffer(Action? used) : DecoderFallbackBuffer
        {
            // 0x80 to 0x9F; the five bytes that Windows-1252 leaves open become spaces.
            private const string High = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
            private byte[] _bytes = [];
            private int _next;

            public override int Remaining => _bytes.Length - _next;

            public override bool Fallback(byte[] bytesUnknown, int index)
            {
                used?.Invoke();
                (_bytes, _next) = (bytesUnknown.ToArray(), 0);
                return _bytes.Length > 0;
            }

            public override char GetNextChar()
            {
                if (_next >= _bytes.Length)
                    return '\0';
                var value = _bytes[_next++];
                return value is >= 0x80 and <= 0x9F ? High[value - 0x80] : (char)value;
            }

            public override bool MovePrevious()
            {
                if (_next == 0)
                    return false;
                _next--;
                return true;
            }
        }
    }
}
