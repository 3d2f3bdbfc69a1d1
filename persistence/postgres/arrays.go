package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// input appends one array to dst in Postgres' binary format: the number of
// dimensions, whether there may be nulls, the elements' type, then of the one
// dimension its length and its first index, then the elements.
//
// The driver could encode arrays as well. It would do so in a buffer that grows
// anew for each statement, which made up half of the garbage of a busy node.
type input func(dst []byte) []byte

func array[R any](rows []R, element uint32, put func(dst []byte, row R) []byte) input {
	return func(dst []byte) []byte {
		for _, n := range [...]uint32{1, 1, element, uint32(len(rows)), 1} {
			dst = binary.BigEndian.AppendUint32(dst, n)
		}
		for _, row := range rows {
			dst = put(dst, row)
		}
		return dst
	}
}

// size begins an element.
func size(dst []byte, n int) []byte { return binary.BigEndian.AppendUint32(dst, uint32(n)) }

func null(dst []byte) []byte { return binary.BigEndian.AppendUint32(dst, 1<<32-1) }

func int2s[R any](rows []R, field func(R) int16) input {
	return array(rows, pgtype.Int2OID, func(dst []byte, row R) []byte {
		return binary.BigEndian.AppendUint16(size(dst, 2), uint16(field(row)))
	})
}

func int4s[R any](rows []R, field func(R) int32) input {
	return array(rows, pgtype.Int4OID, func(dst []byte, row R) []byte {
		return binary.BigEndian.AppendUint32(size(dst, 4), uint32(field(row)))
	})
}

func int8s[R any](rows []R, field func(R) int64) input {
	return array(rows, pgtype.Int8OID, func(dst []byte, row R) []byte {
		return binary.BigEndian.AppendUint64(size(dst, 8), uint64(field(row)))
	})
}

func bools[R any](rows []R, field func(R) bool) input {
	return array(rows, pgtype.BoolOID, func(dst []byte, row R) []byte {
		var b byte
		if field(row) {
			b = 1
		}
		return append(size(dst, 1), b)
	})
}

func texts[R any](rows []R, field func(R) string) input {
	return array(rows, pgtype.TextOID, func(dst []byte, row R) []byte {
		s := field(row)
		return append(size(dst, len(s)), s...)
	})
}

func byteas[R any](rows []R, field func(R) []byte) input {
	return array(rows, pgtype.ByteaOID, func(dst []byte, row R) []byte {
		b := field(row)
		return append(size(dst, len(b)), b...)
	})
}

func uuids[R any](rows []R, field func(R) pgtype.UUID) input {
	return array(rows, pgtype.UUIDOID, func(dst []byte, row R) []byte {
		u := field(row)
		if !u.Valid {
			return null(dst)
		}
		return append(size(dst, len(u.Bytes)), u.Bytes[:]...)
	})
}

// beginning is the zero of Postgres' timestamps.
var beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

func times[R any](rows []R, field func(R) pgtype.Timestamptz) input {
	return array(rows, pgtype.TimestamptzOID, func(dst []byte, row R) []byte {
		t := field(row)
		if !t.Valid {
			return null(dst)
		}
		return binary.BigEndian.AppendUint64(size(dst, 8), uint64(t.Time.UnixMicro()-beginning))
	})
}
